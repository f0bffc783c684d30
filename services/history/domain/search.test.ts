import fc from "fast-check";
import { expect, test } from "vitest";
import { firstIdAt } from "../../../shared/request-id.ts";
import { intersect } from "./id-text.ts";
import { afterLook, beginSearch, type Look, nextLook, withinBudget } from "./search.ts";
import { beyond } from "./spans.ts";
import type { IdRange } from "./times.ts";
import { waysOf } from "./ways.ts";

const nowMs = Date.UTC(2026, 5, 1);
const dayMs = 86_400_000;
const window: IdRange = { from: firstIdAt(nowMs - 30 * dayMs), to: firstIdAt(nowMs) };
const keyId = 7n;

interface Stored {
  readonly id: bigint;
  readonly keyId: bigint;
  readonly matches: boolean;
}

/** As many records as the seconds say, each so many after the one before, back from now. */
const records = fc
  .array(fc.record({ seconds: fc.nat({ max: 1_000 }), ofKey: fc.boolean(), matches: fc.boolean() }), { size: "+2" })
  .map((drawn) => {
    let ms = nowMs;
    return drawn.map(({ seconds, ofKey, matches }): Stored => {
      ms -= 1 + seconds * 1_000;
      return { id: firstIdAt(ms), keyId: ofKey ? keyId : 8n, matches: ofKey && matches };
    });
  });

/** What a statement would find: by an index of few it takes any records of the range, not the ones that come first. */
function seenBy({ way, range, most }: Look<never>, stored: readonly Stored[], ascending: boolean, limit: number) {
  const inRange = stored.filter(({ id }) => id >= range.from && id < range.to).sort((a, b) => Number(b.id - a.id));
  const ofIndex = way.only === undefined ? inRange : inRange.filter((record) => record.keyId === keyId);
  const ordered = ascending === (way.only === undefined) ? ofIndex.toReversed() : ofIndex;
  const looked = ordered.slice(0, most);
  const ids = looked.filter(({ matches }) => matches).map(({ id }) => id);
  return { ids: ids.slice(0, limit), passed: looked.length, last: looked.at(-1)?.id ?? 0n };
}

test("a search that goes on to its end finds what matches, in order, whichever ways its budget makes it take", () => {
  fc.assert(
    fc.property(records, fc.boolean(), fc.integer({ min: 1, max: 40 }), (stored, ascending, limit) => {
      const ids: bigint[] = [];
      let search = beginSearch<never>(
        waysOf({ scope: { kind: "operator" }, keyId, labels: [], failed: false }, false),
        limit,
      );
      for (let left: IdRange | undefined = window; left !== undefined && ids.length < limit; ) {
        search = withinBudget(search);
        const look = nextLook(search, left, ascending);
        const seen = seenBy(look, stored, ascending, limit - ids.length);
        expect(seen.passed).toBeLessThanOrEqual(look.most);
        const found = ids.length + seen.ids.length;
        const after = afterLook(search, look, seen, { found, limit, ascending, nowMs });
        search = after.search;
        if (after.reached === undefined) continue;
        ids.push(...seen.ids);
        left = intersect(left, beyond(after.reached, ascending));
      }
      const matching = stored.filter(({ matches }) => matches).map(({ id }) => id);
      expect(ids).toEqual((ascending ? matching.toReversed() : matching).slice(0, limit));
    }),
  );
});
