import type { PageContext } from "../context.ts";
import type { WantedLabel } from "../db/labels.ts";
import { type Scanned, scan } from "../db/scan.ts";
import { intersect } from "../domain/id-text.ts";
import type { Scope } from "../domain/owner.ts";
import { afterLook, beginSearch, type Look, nextLook, withinBudget } from "../domain/search.ts";
import { beyond } from "../domain/spans.ts";
import { allIds, type IdRange } from "../domain/times.ts";
import { type Wanted, waysOf } from "../domain/ways.ts";
import { windowsBackwards, windowsForwards } from "../domain/windows.ts";
import type { Filter } from "./filter.ts";

const succeeded = 4;
/** After this time a call gives what it has, on a machine that is slow at what its budget allows. */
const scanTimeMs = 1_000;

/** Which part of what matches a list gives. */
interface Part {
  /** The ID after which it begins; 0: at the first. */
  readonly cursor: bigint;
  readonly limit: number;
  readonly ascending: boolean;
}

/**
 * The IDs of a list. Where its budget ends, or its time, before it has them all, it gives a cursor to go on from: a year must not be searched
 * for a filter that matches nothing.
 */
export async function listIds(
  context: PageContext,
  filter: Filter,
  part: Part,
): Promise<{ ids: bigint[]; nextCursor: bigint }> {
  const endMs = performance.now() + scanTimeMs;
  const pace = context.pacing.pace();
  const named = filter.scan.shapeIds !== undefined || filter.scan.outcomeIds !== undefined;
  let search = beginSearch(waysOf(wantedOf(filter), named && (await context.byTerms())), part.limit);
  const ids: bigint[] = [];
  /** How far the list has come. Undefined: nowhere yet. */
  let reached: bigint | undefined;
  for (const window of windowsOf(context, filter, part)) {
    for (let left: IdRange | undefined = window; left !== undefined; ) {
      search = withinBudget(search);
      const isOver = search.budget.isSpent() || performance.now() > endMs;
      if (isOver && reached !== undefined) return { ids, nextCursor: reached };
      const look = nextLook(search, left, part.ascending);
      const seen = await take(context, look, { filter, ascending: part.ascending, limit: part.limit - ids.length });
      const rest = pace();
      if (rest !== undefined) await rest;
      const found = ids.length + seen.ids.length;
      const after = afterLook(search, look, seen, { ...part, found, nowMs: context.nowMs() });
      search = after.search;
      if (after.reached === undefined) continue;
      for (const id of seen.ids) ids.push(id);
      if (ids.length >= part.limit) return { ids, nextCursor: ids.at(-1) ?? 0n };
      reached = after.reached;
      left = intersect(left, beyond(reached, part.ascending));
    }
  }
  return { ids, nextCursor: 0n };
}

/** The windows of a list after its cursor, in its direction. */
function* windowsOf(
  { nowMs, firstWindowMs }: PageContext,
  { ranges }: Filter,
  { cursor, ascending }: Part,
): Generator<IdRange> {
  const windows = ascending ? windowsForwards : windowsBackwards;
  const behind = cursor === 0n ? allIds : beyond(cursor, ascending);
  for (const range of ascending ? ranges.toReversed() : ranges) {
    const after = intersect(range, behind);
    if (after !== undefined) yield* windows(after, { nowMs: nowMs(), firstMs: firstWindowMs });
  }
}

function take(
  { planningReader }: PageContext,
  { way, range, most }: Look<WantedLabel>,
  { filter, ascending, limit }: { filter: Filter; ascending: boolean; limit: number },
): Promise<Scanned> {
  const { scope, only, along } = way;
  const walk = { ...filter, scope, range, fromAppserver: undefined, afterFirst: false, ascending, only };
  return scan(planningReader, walk, { filter: way.filter, along, limit, scanLimit: most });
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
