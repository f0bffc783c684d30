import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ListRecordsRequest, StoredRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { PageContext } from "../context.ts";
import type { Walk } from "../db/branches.ts";
import type { WantedLabel } from "../db/labels.ts";
import { readRows } from "../db/records.ts";
import { scan } from "../db/scan.ts";
import { intersect } from "../domain/id-text.ts";
import { firstScanLimit, nextScanLimit } from "../domain/scan-limit.ts";
import { beyond, lastOf, nearest, nextSpan, passedSpan } from "../domain/spans.ts";
import { allIds, type IdRange, lower } from "../domain/times.ts";
import { windowsBackwards, windowsForwards } from "../domain/windows.ts";
import { type Filter, readFilter } from "./filter.ts";
import { loadRecords } from "./load.ts";

const defaultLimit = 50;
const maxLimit = 1_000;
/** As many are looked at by one way before the next is gone. */
const beforeNext = 2_500;
/** Most bytes of payloads of a page that goes by cursor: the next is one call away. */
const pagePayloadBytes = 4 * 1024 * 1024;
const succeeded = 4;
/** After this time a call gives what it has, with a cursor to go on from: a filter that nothing matches must not scan a year. */
const scanTimeMs = 1_000;

/** Records by keyset cursor. A page may be short, or empty, with a cursor: the end is where the cursor is 0. */
export async function listRecords(
  context: PageContext,
  request: ListRecordsRequest,
): Promise<{ records: StoredRecord[]; nextCursor: bigint }> {
  const limit = limitOf(request.limit);
  const filter = await readFilter(context.terms, request.owner, request.filter);
  const found = await listIds(context, filter, { ...request, limit });
  if (!request.withPayload) {
    return { records: await loadRecords(context, found.ids, { labels: true }), nextCursor: found.nextCursor };
  }
  const ids = await fitting(context, found.ids);
  const nextCursor = ids.length < found.ids.length ? (ids.at(-1) ?? 0n) : found.nextCursor;
  const { payloadBudgetBytes } = context;
  return { records: await loadRecords(context, ids, { payloadBudgetBytes, labels: true }), nextCursor };
}

/** The records that a page may have. Throws invalid_value above the most. */
export function limitOf(asked: number): number {
  if (asked <= maxLimit) return asked === 0 ? defaultLimit : asked;
  throw new ThroughlineError("invalid_value", `limit must be at most ${maxLimit}.`, { param: "limit" });
}

async function listIds(
  { planningReader, pacing, nowMs, firstWindowMs, byTerms }: PageContext,
  filter: Filter,
  { cursor, limit, ascending }: { cursor: bigint; limit: number; ascending: boolean },
): Promise<{ ids: bigint[]; nextCursor: bigint }> {
  const startMs = performance.now();
  const pace = pacing.pace();
  const windows = ascending ? windowsForwards : windowsBackwards;
  const ids: bigint[] = [];
  const named = filter.scan.shapeIds !== undefined || filter.scan.outcomeIds !== undefined;
  const { scope } = filter;
  const ways = waysOf(filter, named && (await byTerms()));
  let way = 0;
  /** How far the next statement goes by an index of few: all of them in its range are found before the first is given. */
  let span = 0n;
  let scanLimit = firstScanLimit(limit);
  let passed = 0;
  let passedByWay = 0;
  for (const whole of ascending ? filter.ranges.toReversed() : filter.ranges) {
    const after = intersect(whole, behind(cursor, ascending));
    if (after === undefined) continue;
    for (const window of windows(after, { nowMs: nowMs(), firstMs: firstWindowMs })) {
      for (let left: IdRange | undefined = window; left !== undefined; ) {
        const { only, along } = ways[way] ?? {};
        const range: IdRange = only === undefined ? left : nearest(left, span, ascending);
        const walk = { ...filter, range, fromAppserver: undefined, afterFirst: false, ascending, only };
        const most = way === ways.length - 1 ? scanLimit : Math.min(scanLimit, beforeNext - passedByWay);
        const asked = { filter: filter.scan, along, limit: limit - ids.length, scanLimit: most };
        const found = await scan(planningReader, walk, asked);
        for (const id of found.ids) ids.push(id);
        if (ids.length >= limit) return { ids, nextCursor: ids.at(-1) ?? 0n };
        passed += found.passed;
        passedByWay += found.passed;
        const isWhole = found.passed < most;
        const last: bigint = isWhole ? lastOf(range, ascending) : found.last;
        const missing = limit - ids.length;
        const reached = only === undefined ? passedSpan(range, { last, ascending, nowMs: nowMs() }) : span;
        const isPlain = only === undefined && along === undefined;
        const isDone = passedByWay >= beforeNext || (isPlain && isWhole && scope.kind === "operator");
        if (isDone && way < ways.length - 1) {
          way++;
          passedByWay = 0;
        }
        span = nextSpan(reached, { found: found.ids.length, missing });
        // A way behind which there is another may pass many: no more than it may before that.
        if (way < ways.length - 1)
          span = lower(span, (reached * BigInt(beforeNext)) / BigInt(Math.max(1, found.passed)));
        scanLimit = nextScanLimit(scanLimit, { passed, found: ids.length, missing: limit - ids.length });
        left = intersect(left, beyond(last, ascending));
        if (left !== undefined && performance.now() - startMs > scanTimeMs) return { ids, nextCursor: last };
        const others = pace();
        if (others !== undefined) await others;
      }
    }
  }
  return { ids, nextCursor: 0n };
}

/** A way to what a list asks for: along the records of its scope in their order, along a label, or to those of few. */
interface Way {
  readonly only?: Walk["only"];
  readonly along?: WantedLabel;
}

/**
 * The ways to what a list asks for, the first of which is along its order. Where that passes many others, few may match: then by the key,
 * the user or the failed ones of all accounts, which an account's list goes along anyway; and where these are many, by terms.
 *
 * Labels are ways of their own, of which each may be the one of few. Where all that a filter asks for is of many, the first
 * label is gone on with.
 */
function waysOf(
  { scope, statuses, scan: { keyId, userId, shapeIds, outcomeIds, labels = [] } }: Filter,
  byTerms: boolean,
): readonly Way[] {
  const failed = statuses.length > 0 && !statuses.includes(succeeded);
  const everybodys = scope.kind === "operator" && (keyId !== undefined || userId !== undefined || (failed && !byTerms));
  const few: Way[] = [
    ...(everybodys ? [{ only: { keyId, userId } }] : []),
    ...(byTerms ? [{ only: { shapeIds, outcomeIds } }] : []),
  ];
  if (labels.length === 0) return [{}, ...few];
  const narrow = scope.kind === "user" || scope.kind === "key" || (scope.kind === "account" && failed);
  const along = labels.map((label) => ({ along: label }));
  const others = [...along.slice(1), ...(narrow ? [{}] : []), ...few];
  return [...along.slice(0, 1), ...others, ...(others.length > 0 ? along.slice(0, 1) : [])];
}

/** The IDs that come after a cursor; 0: all. */
function behind(cursor: bigint, ascending: boolean): IdRange {
  return cursor === 0n ? allIds : beyond(cursor, ascending);
}

/** The first IDs whose payloads fit one answer together, at least one: an export cuts pages, never answers. */
export async function fitting({ reader, payloadBudgetBytes }: PageContext, ids: readonly bigint[]): Promise<bigint[]> {
  const rows = await readRows(reader, ids);
  const sizes = new Map(rows.map((row) => [row.request_id, row.payload_bytes ?? 0]));
  let sum = 0;
  const first = ids.findIndex((id, index) => {
    sum += sizes.get(id) ?? 0;
    return index > 0 && sum > Math.min(payloadBudgetBytes, pagePayloadBytes);
  });
  return first < 0 ? [...ids] : ids.slice(0, first);
}
