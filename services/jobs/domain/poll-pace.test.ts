import fc from "fast-check";
import { expect, test } from "vitest";
import { nextPollMs } from "./poll-pace.ts";

const pace = fc.record({
  firstMs: fc.integer({ min: 10, max: 300_000 }),
  maxMs: fc.integer({ min: 10, max: 300_000 }),
  floorMs: fc.integer({ min: 0, max: 300_000 }),
});
const past = fc.record({ polls: fc.nat(1_000), failedPolls: fc.nat(1_000) });
const random = fc.double({ min: 0, max: 1, noNaN: true });

test("no question comes before the first time or the vendor's floor, and none much later than the longest wait", () => {
  fc.assert(
    fc.property(past, pace, random, (asked, times, chance) => {
      const { firstMs, maxMs, floorMs } = times;
      const waitMs = nextPollMs(asked, times, chance);
      expect(waitMs).toBeGreaterThanOrEqual(Math.max(firstMs, floorMs));
      const longestMs = asked.failedPolls === 0 ? Math.max(firstMs, maxMs) : Math.max(firstMs, maxMs, 60_000);
      expect(waitMs).toBeLessThanOrEqual(Math.max(floorMs, Math.ceil(longestMs * 1.2)));
    }),
  );
});

test("waits grow by a third, and double where the vendor could not be asked", () => {
  const times = { firstMs: 1_000, maxMs: 10_000, floorMs: 0 };
  const waits = (failedPolls: number) => [0, 1, 2, 3].map((polls) => nextPollMs({ polls, failedPolls }, times, 0.5));
  expect(waits(0)).toEqual([1_000, 1_300, 1_690, 2_197]);
  expect(waits(1)).toEqual([2_000, 2_600, 3_380, 4_394]);
});
