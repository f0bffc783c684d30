import fc from "fast-check";
import { expect, test } from "vitest";
import { addPart, type Part, type Point, percentilesMs } from "./points.ts";

const counts = fc.uniqueArray(
  fc.record({ bucket: fc.integer({ min: 0, max: 1_100 }), count: fc.integer({ min: -1_000_000, max: 1_000_000 }) }),
  { selector: ({ bucket }) => bucket, maxLength: 40 },
);
const part = (list: readonly { bucket: number; count: number }[]): Part => ({
  ...{ at_unix_ms: 0n, group_name: "", requests: 0n, errors: null, billed_nano_usd: null },
  ...{ input_tokens: 0n, output_tokens: 0n },
  buckets: `{${list.map(({ bucket }) => bucket).join(",")}}`,
  counts: `{${list.map(({ count }) => count).join(",")}}`,
});

test("the latencies of parts add up, those taken off included", () => {
  fc.assert(
    fc.property(fc.array(counts, { maxLength: 4 }), (lists) => {
      const points = new Map<string, Point>();
      const expected = new Map<number, number>();
      for (const list of lists) {
        addPart(points, part(list));
        for (const { bucket, count } of list) expected.set(bucket, (expected.get(bucket) ?? 0) + count);
      }
      const [point] = points.values();
      expect(point?.latencies ?? new Map()).toEqual(expected);
    }),
  );
});

test("a point without latencies has percentiles of 0", () => {
  const points = new Map<string, Point>();
  addPart(points, part([]));
  const [point] = points.values();
  expect(point && percentilesMs(point)).toEqual({ p50Ms: 0n, p99Ms: 0n });
});
