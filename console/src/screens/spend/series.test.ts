import { nanoUsd, usd } from "@throughline/client";
import fc from "fast-check";
import { expect, test } from "vitest";
import { csvOf, othersOf, restOf, seriesOf, sumsOf, totalUsd } from "./series.ts";

const hourMs = 3_600_000;
const from = Date.parse("2026-11-30T00:00:00Z");
const point = fc
  .record({
    at: fc.integer({ min: 0, max: 23 }),
    group: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", null),
    requests: fc.nat(1_000),
    nanos: fc.bigInt({ min: 0n, max: 10n ** 15n }),
  })
  .map(({ at, group, requests, nanos }) => ({
    ...{ time: new Date(from + at * hourMs).toISOString(), group, requests, errors: 0 },
    ...{ input_tokens: 1, output_tokens: 2, billed_usd: usd(nanos), p50_ms: 1, p99_ms: 2 },
  }));

test("sums add up to the nano-dollar, the dearest first", () => {
  fc.assert(
    fc.property(fc.array(point), (points) => {
      const sums = sumsOf(points);
      const total = points.reduce((sum, { billed_usd }) => sum + nanoUsd(billed_usd), 0n);
      expect(nanoUsd(totalUsd(sums))).toBe(total);
      expect(sums.reduce((sum, { requests }) => sum + requests, 0)).toBe(
        points.reduce((sum, { requests }) => sum + requests, 0),
      );
      const amounts = sums.map(({ billedUsd }) => nanoUsd(billedUsd));
      for (const [index, amount] of amounts.entries()) expect(amount <= (amounts[index - 1] ?? amount)).toBe(true);
    }),
  );
});

test("a chart has few lines of equal length, which lose nothing", () => {
  fc.assert(
    fc.property(fc.array(point), (points) => {
      const { timesS, lines } = seriesOf(points, { from, to: from + 24 * hourMs, stepMs: hourMs }, "others");
      expect(timesS).toHaveLength(24);
      expect(lines.length).toBeLessThanOrEqual(7);
      const drawn = lines.flatMap(({ valuesUsd }) => valuesUsd).reduce((sum, value) => sum + value, 0);
      expect(lines.every(({ valuesUsd }) => valuesUsd.length === 24)).toBe(true);
      expect(drawn).toBeCloseTo(Number(totalUsd(sumsOf(points))), 3);
    }),
  );
});

test("what stands beside some groups adds up to the whole with them, in each step", () => {
  fc.assert(
    fc.property(fc.array(point), fc.constantFrom("a", "b"), (points, name) => {
      const groups = points.filter(({ group }) => group === name);
      const all = [...groups, ...othersOf(points, groups, "others")];
      const byTime = (list: typeof all) => {
        const sums = sumsOf(list.map((one) => ({ ...one, group: one.time })));
        return new Map(
          sums.filter(({ billedUsd }) => nanoUsd(billedUsd) > 0n).map((sum) => [sum.group, sum.billedUsd]),
        );
      };
      expect(byTime(all)).toEqual(byTime(points));
    }),
  );
});

test("what is shown and its last line are all sums", () => {
  fc.assert(
    fc.property(fc.array(point), fc.nat(10), (points, shown) => {
      const sums = sumsOf(points);
      const rest = restOf(sums, shown);
      const seen = sums.slice(0, shown);
      expect(seen.length + (rest?.names ?? 0)).toBe(sums.length);
      expect(nanoUsd(totalUsd(seen)) + nanoUsd(rest?.billedUsd ?? "0")).toBe(nanoUsd(totalUsd(sums)));
      const requests = seen.reduce((sum, one) => sum + one.requests, rest?.requests ?? 0);
      expect(requests).toBe(sums.reduce((sum, one) => sum + one.requests, 0));
    }),
  );
});

test("CSV keeps every cell, and gives a spreadsheet no formula", () => {
  expect(
    csvOf(
      ["model", "charged_usd"],
      [
        ['a,"b"\n', "-0.5"],
        ["=cmd()", 3],
      ],
    ),
  ).toBe('model,charged_usd\r\n"a,""b""\n",-0.5\r\n\'=cmd(),3\r\n');
});

test.each([
  ["-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"],
  ["-2.5.1", "'-2.5.1"],
  [" =1", "' =1"],
  ["\n=1", '"\'\n=1"'],
  ["-0.000000001", "-0.000000001"],
  ["a-1", "a-1"],
])("a cell %j is written as %j", (cell, written) => {
  expect(csvOf([], [[cell]])).toBe(`\r\n${written}\r\n`);
});
