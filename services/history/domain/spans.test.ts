import fc from "fast-check";
import { expect, test } from "vitest";
import { firstIdAt } from "../../../shared/request-id.ts";
import { intersect } from "./id-text.ts";
import { beyond, lastOf, nearest, nextSpan, passedSpan } from "./spans.ts";
import { allIds, type IdRange } from "./times.ts";

const nowMs = Date.UTC(2026, 5, 1);
const window = { from: firstIdAt(nowMs - 86_400_000), to: firstIdAt(nowMs) };

test("ranges follow each other without a gap and without an overlap, in either direction", () => {
  const finds = fc.array(fc.nat({ max: 100 }), { minLength: 200, maxLength: 200 });
  fc.assert(
    fc.property(fc.boolean(), finds, (ascending, found) => {
      const ranges: IdRange[] = [];
      let left: typeof window | undefined = window;
      let span = passedSpan(window, { last: ascending ? window.from + 5n : window.to - 5n, ascending, nowMs });
      for (let n = 0; left !== undefined && n < found.length; n++) {
        const range = nearest(left, span, ascending);
        ranges.push(range);
        span = nextSpan(span, { found: found[n] ?? 0, missing: 50 });
        left = intersect(left, beyond(lastOf(range, ascending), ascending));
      }
      const inOrder = ascending ? ranges : ranges.toReversed();
      for (const [n, { from }] of inOrder.entries()) if (n > 0) expect(inOrder[n - 1]?.to).toBe(from);
      const first = ascending ? ranges[0]?.from : ranges[0]?.to;
      expect(first).toBe(ascending ? window.from : window.to);
    }),
  );
});

test("where next to nothing is found the ranges soon cover a year, where much is they stay as short as the page needs", () => {
  let span = 60_000n << 22n;
  for (let n = 0; n < 5; n++) span = nextSpan(span, { found: 0, missing: 50 });
  expect(span).toBeGreaterThan((400n * 86_400_000n) << 22n);
  expect(nextSpan(3_600_000n << 22n, { found: 50, missing: 50 })).toBe(5_400_000n << 22n);
  expect(nextSpan(3_600_000n << 22n, { found: 1_000, missing: 50 })).toBeLessThan(3_600_000n << 22n);
});

test("a list that has come to the first of all IDs, or to the last, is at its end", () => {
  expect(intersect({ from: 0n, to: 5n }, beyond(lastOf({ from: 0n, to: 5n }, false), false))).toBeUndefined();
  expect(intersect(allIds, beyond(lastOf(allIds, true), true))).toBeUndefined();
});

test("a range that is open to the future is measured up to now", () => {
  const last = firstIdAt(nowMs - 3_600_000);
  expect(passedSpan({ from: 0n, to: allIds.to }, { last, ascending: false, nowMs })).toBe(3_600_000n << 22n);
});
