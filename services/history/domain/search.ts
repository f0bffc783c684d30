import { createLookBudget, type LookBudget, type Looking } from "./look-budget.ts";
import { firstScanLimit, nextScanLimit } from "./scan-limit.ts";
import { lastOf, nearest, nextSpan, passedSpan, shorterSpan, spanOf } from "./spans.ts";
import { type IdRange, lower } from "./times.ts";
import type { Way, Ways } from "./ways.ts";

/** Where the search for the records of a list is: the way that it goes, and how far its next statement may go. */
export interface Search<L> {
  readonly way: Way<L>;
  /** Ways that it can still take. */
  readonly others: readonly Way<L>[];
  readonly budget: LookBudget;
  /** How far the next statement goes by an index that has few: all of them in its range are found before the first is given. */
  readonly span: bigint;
  /** Records that the next statement looks at by any other index. */
  readonly scanLimit: number;
  /** Records that were looked at so far. */
  readonly passed: number;
}

/** What the next statement looks at: at most so many records of a range, along a way. */
export interface Look<L> {
  readonly way: Way<L>;
  readonly range: IdRange;
  readonly most: number;
}

/** What a statement found. */
interface Seen {
  /** IDs that match. */
  readonly ids: readonly bigint[];
  /** Records that it looked at; fewer than the most: it has seen all of the range. */
  readonly passed: number;
  /** The last of them. */
  readonly last: bigint;
}

/** Begins the search for `limit` records. */
export function beginSearch<L>([way, ...others]: Ways<L>, limit: number): Search<L> {
  return {
    ...{ way, others, budget: createLookBudget(limit, 1 + others.length) },
    ...{ span: 0n, scanLimit: firstScanLimit(limit), passed: 0 },
  };
}

/** Takes the next way where the budget of this one is spent; after the last way it stays spent. */
export function withinBudget<L>(search: Search<L>): Search<L> {
  return search.budget.isSpent() ? onNextWay(search) : search;
}

/** The next look at the IDs that are left of a window. */
export function nextLook<L>({ way, budget, span, scanLimit }: Search<L>, left: IdRange, ascending: boolean): Look<L> {
  const looks = budget.looks(lookingAlong(way));
  if (way.only === undefined) return { way, range: left, most: Math.min(scanLimit, looks) };
  // What an index of few has in a range is put in order when all of it is there: half of the budget leaves a second try.
  return { way, range: nearest(left, span, ascending), most: Math.ceil(looks / 2) };
}

/**
 * The search after a look.
 *
 * @param list how many IDs the list has now and how many it wants, its direction, and the time.
 * @returns `reached` is the ID up to which the list is complete. Undefined: the look had more than could be put in order, so it found
 * nothing, and a shorter one has to follow.
 */
export function afterLook<L>(
  before: Search<L>,
  { way, range, most }: Look<L>,
  seen: Seen,
  list: { found: number; limit: number; ascending: boolean; nowMs: number },
): { search: Search<L>; reached: bigint | undefined } {
  const how = lookingAlong(way);
  const search = { ...before, budget: before.budget.afterLooks(how, seen.passed) };
  const isWhole = seen.passed < most;
  if (!isWhole && way.only !== undefined) {
    return { search: { ...search, span: shorterSpan(lower(search.span, spanOf(range))) }, reached: undefined };
  }
  const missing = list.limit - list.found;
  const passed = search.passed + seen.passed;
  const reached = isWhole ? lastOf(range, list.ascending) : seen.last;
  const scanLimit = nextScanLimit(search.scanLimit, { passed, found: list.found, missing });
  const passedNow = way.only === undefined ? passedSpan(range, { ...list, last: reached }) : search.span;
  const wanted = nextSpan(passedNow, { found: seen.ids.length, missing });
  if (way.only !== undefined) {
    // No longer than what there is as much in as may be looked at.
    const looks = BigInt(Math.max(1, search.budget.looks(how)));
    const fits = (passedNow * looks) / BigInt(2 * Math.max(1, seen.passed));
    return { search: { ...search, passed, scanLimit, span: lower(wanted, fits) }, reached };
  }
  const further = { ...search, passed, scanLimit, span: wanted };
  // Everybody's records of a window that has been passed are no measure of one four times as long.
  const leaves = isWhole && way.along === undefined && way.scope.kind === "operator";
  return { search: leaves ? onNextWay(further) : further, reached };
}

function onNextWay<L>(search: Search<L>): Search<L> {
  const [way, ...others] = search.others;
  return way === undefined ? search : { ...search, way, others, budget: search.budget.withNextWay() };
}

function lookingAlong<L>({ along, filter }: Way<L>): Looking {
  return { byLabel: along !== undefined, labels: filter.labels.length };
}
