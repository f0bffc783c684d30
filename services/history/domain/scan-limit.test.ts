import fc from "fast-check";
import { expect, test } from "vitest";
import { firstScanLimit, nextScanLimit } from "./scan-limit.ts";

/** Looks for a page of `limit` among records of which one of `each` matches; gives what was looked at, and in how many steps. */
function look({ limit, each }: { limit: number; each: number }): { passed: number; steps: number } {
  let [passed, steps, scanLimit] = [0, 0, firstScanLimit(limit)];
  while (Math.floor(passed / each) < limit && passed < 10_000_000) {
    passed += scanLimit;
    steps++;
    const found = Math.min(limit, Math.floor(passed / each));
    scanLimit = nextScanLimit(scanLimit, { passed, found, missing: limit - found });
  }
  return { passed, steps };
}

test("a list looks at a few times what its page needs, whatever the share of records that match", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 500 }), (limit, each) => {
      const { passed } = look({ limit, each });
      expect(passed).toBeLessThanOrEqual(5 * limit * each + 4 * limit);
    }),
  );
});

test("a filter that matches next to nothing takes the largest steps soon", () => {
  const { passed, steps } = look({ limit: 50, each: 1_000_000 });
  expect(passed / steps).toBeGreaterThan(24_000);
});

test("a time in which there are no records at all does not make a list look at more", () => {
  expect(nextScanLimit(200, { passed: 0, found: 0, missing: 50 })).toBe(200);
});
