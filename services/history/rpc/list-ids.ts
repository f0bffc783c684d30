import type { PageContext } from "../context.ts";
import type { WantedLabel } from "../db/labels.ts";
import { scan } from "../db/scan.ts";
import { intersect } from "../domain/id-text.ts";
import { createLookBudget } from "../domain/look-budget.ts";
import type { Scope } from "../domain/owner.ts";
import { firstScanLimit, nextScanLimit } from "../domain/scan-limit.ts";
import { beyond, lastOf, nearest, nextSpan, passedSpan, shorterSpan, spanOf } from "../domain/spans.ts";
import { allIds, type IdRange, lower } from "../domain/times.ts";
import { type Wanted, type Way, waysOf } from "../domain/ways.ts";
import { windowsBackwards, windowsForwards } from "../domain/windows.ts";
import type { Filter } from "./filter.ts";

const succeeded = 4;
/** After this time a call gives what it has, on a machine that is slow at what its budget allows. */
const scanTimeMs = 1_000;

/**
 * The IDs of a list. Where its budget ends, or its time, before it has them all, it gives a cursor to go on from: what a filter matches nothing
 * of must not be searched a year for.
 */
export async function listIds(
  { planningReader, pacing, nowMs, firstWindowMs, byTerms }: PageContext,
  filter: Filter,
  { cursor, limit, ascending }: { cursor: bigint; limit: number; ascending: boolean },
): Promise<{ ids: bigint[]; nextCursor: bigint }> {
  const startMs = performance.now();
  const pace = pacing.pace();
  const windows = ascending ? windowsForwards : windowsBackwards;
  const named = filter.scan.shapeIds !== undefined || filter.scan.outcomeIds !== undefined;
  const [first, ...others] = waysOf(wantedOf(filter), named && (await byTerms()));
  const budget = createLookBudget(limit, 1 + others.length);
  const ids: bigint[] = [];
  let way = first;
  const nextWay = (): void => {
    const next = others.shift();
    if (next === undefined) return;
    way = next;
    budget.nextWay();
  };
  /** How far the next statement goes by an index that has few: all of them in its range are found before the first is given. */
  let span = 0n;
  let scanLimit = firstScanLimit(limit);
  let passed = 0;
  /** How far the list has come. Undefined: nowhere yet. */
  let reached: bigint | undefined;
  for (const whole of ascending ? filter.ranges.toReversed() : filter.ranges) {
    const after = intersect(whole, cursor === 0n ? allIds : beyond(cursor, ascending));
    if (after === undefined) continue;
    for (const window of windows(after, { nowMs: nowMs(), firstMs: firstWindowMs })) {
      for (let left: IdRange | undefined = window; left !== undefined; ) {
        if (budget.isSpent()) nextWay();
        const isOver = budget.isSpent() || performance.now() - startMs > scanTimeMs;
        if (isOver && reached !== undefined) return { ids, nextCursor: reached };
        const { scope, only, along, filter: looked }: Way<WantedLabel> = way;
        const how = { byLabel: along !== undefined, labels: looked.labels.length };
        const range: IdRange = only === undefined ? left : nearest(left, span, ascending);
        // What an index of few has in a range is put in order when all of it is there: half of the budget leaves a second try.
        const most = only === undefined ? Math.min(scanLimit, budget.looks(how)) : Math.ceil(budget.looks(how) / 2);
        const walk = { ...filter, scope, range, fromAppserver: undefined, afterFirst: false, ascending, only };
        const found = await scan(planningReader, walk, {
          ...{ filter: looked, along, limit: limit - ids.length, scanLimit: most },
        });
        budget.spend(how, found.passed);
        const isWhole = found.passed < most;
        const rest = pace();
        if (rest !== undefined) await rest;
        if (!isWhole && only !== undefined) {
          span = shorterSpan(lower(span, spanOf(range)));
          continue;
        }
        for (const id of found.ids) ids.push(id);
        if (ids.length >= limit) return { ids, nextCursor: ids.at(-1) ?? 0n };
        passed += found.passed;
        const last: bigint = isWhole ? lastOf(range, ascending) : found.last;
        reached = last;
        const missing = limit - ids.length;
        const passedNow = only === undefined ? passedSpan(range, { last, ascending, nowMs: nowMs() }) : span;
        span = nextSpan(passedNow, { found: found.ids.length, missing });
        if (only !== undefined) {
          // No longer than what there is as much in as may be looked at.
          const fits = (passedNow * BigInt(Math.max(1, budget.looks(how)))) / BigInt(2 * Math.max(1, found.passed));
          span = lower(span, fits);
        }
        // Everybody's records of a window that has been passed are no measure of one four times as long.
        if (only === undefined && along === undefined && isWhole && scope.kind === "operator") nextWay();
        scanLimit = nextScanLimit(scanLimit, { passed, found: ids.length, missing });
        left = intersect(left, beyond(last, ascending));
      }
    }
  }
  return { ids, nextCursor: 0n };
}

function wantedOf({ scope, statuses, scan: { labels = [], ...named } }: Filter): Wanted<WantedLabel> {
  const failed = statuses.length > 0 && !statuses.includes(succeeded);
  if (scope.kind === "operator") return { ...named, scope, labels, failed };
  return { ...named, ...ownerOf(scope), scope: { kind: "account", accountId: scope.accountId }, labels, failed };
}

/** What a scope says beside its account. */
function ownerOf(scope: Scope): { keyId?: bigint; userId?: string } {
  if (scope.kind === "key") return { keyId: scope.keyId };
  if (scope.kind !== "user") return {};
  return { userId: scope.userId, ...(scope.keyId === 0n ? {} : { keyId: scope.keyId }) };
}
