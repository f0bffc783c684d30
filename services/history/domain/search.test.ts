import fc from "fast-check";
import { expect, test } from "vitest";
import { firstIdAt } from "../../../shared/request-id.ts";
import { intersect } from "./id-text.ts";
import { afterLook, beginSearch, type Look, nextLook, withinBudget } from "./search.ts";
import { beyond } from "./spans.ts";
import type { IdRange } from "./times.ts";
import { waysOf } from "./ways.ts";
import { windowsBackwards, windowsForwards } from "./windows.ts";

const nowMs = Date.UTC(2026, 5, 1);
const hourMs = 3_600_000;
const whole: IdRange = { from: firstIdAt(nowMs - 100 * hourMs), to: firstIdAt(nowMs) };
const keyId = 7n;

interface Ground {
  readonly count: number;
  readonly everyMs: number;
  readonly keyEvery: number;
  readonly matchEvery: number;
  readonly quietHours: number;
}

interface Stored {
  readonly id: bigint;
  readonly ofKey: boolean;
  readonly matches: boolean;
}

/** How records lie in time. A search that has seen all of a window of everybody's goes on by the key. */
const grounds: fc.Arbitrary<Ground> = fc.record({
  count: fc.integer({ min: 0, max: 8_000 }),
  everyMs: fc.constantFrom(100, 1_000, 10_000),
  keyEvery: fc.constantFrom(1, 2, 50),
  matchEvery: fc.constantFrom(1, 10, 1_000),
  quietHours: fc.nat({ max: 3 }),
});

/** Records, newest first. */
function recordsOf({ count, everyMs, keyEvery, matchEvery, quietHours }: Ground) {
  return Array.from({ length: count }, (_, n): Stored => {
    const ofKey = n % keyEvery === 0;
    const id = firstIdAt(nowMs - quietHours * hourMs - (n + 1) * everyMs);
    return { id, ofKey, matches: ofKey && n % matchEvery === 0 };
  });
}

/** What a statement would find. An index of few gives any records of the range: here the ones that come last. */
function seenBy({ way, range, most }: Look<never>, stored: readonly Stored[], ascending: boolean) {
  const inRange = stored.filter(
    ({ id, ofKey }) => id >= range.from && id < range.to && (way.only === undefined || ofKey),
  );
  const inOrder = ascending ? inRange.toReversed() : inRange;
  const looked = way.only === undefined ? inOrder.slice(0, most) : inOrder.slice(-most);
  const ids = looked.filter(({ matches }) => matches).map(({ id }) => id);
  return { ids, passed: looked.length, last: looked.at(-1)?.id ?? 0n };
}

test("a search that goes on to its end finds what matches, in order, whichever ways its budget makes it take", () => {
  fc.assert(
    fc.property(grounds, fc.boolean(), fc.constantFrom(10, 500, 50_000), (ground, ascending, limit) => {
      const stored = recordsOf(ground);
      const ids: bigint[] = [];
      const ways = waysOf<never>({ scope: { kind: "operator" }, keyId, labels: [], failed: false }, false);
      let search = beginSearch(ways, limit);
      const windows = ascending ? windowsForwards : windowsBackwards;
      for (const window of windows(whole, { nowMs, firstMs: hourMs })) {
        for (let left: IdRange | undefined = window; left !== undefined && ids.length < limit; ) {
          search = withinBudget(search);
          const look = nextLook(search, left, ascending);
          const seen = seenBy(look, stored, ascending);
          const found = Math.min(limit, ids.length + seen.ids.length);
          const after = afterLook(search, look, seen, { found, limit, ascending, nowMs });
          search = after.search;
          if (after.reached === undefined) continue;
          for (const id of seen.ids) ids.push(id);
          left = intersect(left, beyond(after.reached, ascending));
        }
      }
      const matching = stored.flatMap(({ id, matches }) => (matches && id >= whole.from ? [id] : []));
      expect(ids.slice(0, limit)).toEqual((ascending ? matching.toReversed() : matching).slice(0, limit));
    }),
    { numRuns: 60 },
  );
});
