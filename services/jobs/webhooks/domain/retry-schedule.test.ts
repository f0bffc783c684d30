import fc from "fast-check";
import { expect, test } from "vitest";
import { nextTryMs, retryWaitsMs } from "./retry-schedule.ts";

test("a delivery is tried seven times in a day, at 0 s, 5 s, 1 min, 10 min, 1 h, 6 h and 24 h", () => {
  let at = 0;
  const tried = [0];
  for (let tries = 1; ; tries++) {
    const wait = nextTryMs(tries, retryWaitsMs, 0);
    if (wait === undefined) break;
    at += wait;
    tried.push(at / 1_000);
  }
  expect(tried).toEqual([0, 5, 60, 600, 3_600, 21_600, 86_400]);
});

test("jitter makes no wait shorter, and none longer by more than a tenth", () => {
  fc.assert(
    fc.property(fc.nat({ max: 20 }), fc.double({ min: 0, max: 1, noNaN: true }), (more, random) => {
      const tries = more + 1;
      const calm = nextTryMs(tries, retryWaitsMs, 0);
      const wait = nextTryMs(tries, retryWaitsMs, random);
      if (calm === undefined) expect(wait).toBeUndefined();
      else {
        expect(wait).toBeGreaterThanOrEqual(calm);
        expect(wait).toBeLessThanOrEqual(calm * 1.1 + 1);
      }
    }),
  );
});
