import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ExportRecordsRequest, StoredRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { parseRequestId } from "../../../shared/request-id.ts";
import type { PageContext } from "../context.ts";
import { type ExportWalk, exportStep, lastBatch, placeOf } from "../db/export.ts";
import { createLookBudget } from "../domain/look-budget.ts";
import { behindBatch, firstPlace, formatPlace, type Place, parsePlace } from "../domain/place.ts";
import { firstScanLimit, nextScanLimit } from "../domain/scan-limit.ts";
import { readFilter } from "./filter.ts";
import { fitting, limitOf } from "./list-records.ts";
import { loadRecords } from "./load.ts";

const endedStatuses = [4, 5];
/** After this time a call gives what it has, on a machine that is slow at what its budget allows. */
const scanTimeMs = 1_000;

/**
 * Records of requests that have ended, in the order in which their ends were stored. Each comes once; one that billing made
 * comes again where the gateway's own replaced it.
 */
export async function exportRecords(
  context: PageContext,
  request: ExportRecordsRequest,
): Promise<{ records: StoredRecord[]; nextCursor: string; more: boolean }> {
  const limit = limitOf(request.limit);
  const { scope, ranges, statuses, scan } = await readFilter(context.terms, request.owner, request.filter);
  const cursor = await readCursor(context, request.cursor);
  const upTo = await lastBatch(context.db);
  const [range] = ranges;
  const ended = endedStatuses.filter((status) => statuses.length === 0 || statuses.includes(status));
  if (range === undefined || ended.length === 0) {
    return { records: [], nextCursor: formatPlace(further(cursor, behindBatch(upTo))), more: false };
  }
  // An ID's beginning may stand for several ranges: what lies between them is passed over by the filter of the IDs found.
  const whole = { from: ranges.at(-1)?.from ?? range.from, to: range.to };
  const walk = { scope, range: whole, statuses: ended, filter: scan, behind: cursor, upTo };
  const found = await walkOn(context, walk, limit);
  const inRanges = found.places.filter(({ requestId }) =>
    ranges.some(({ from, to }) => requestId >= from && requestId < to),
  );
  const ids = inRanges.map(({ requestId }) => requestId);
  const fit = await fitting(context, ids);
  const records = await loadRecords(context, fit, { ...context, mayRun: false, labels: true });
  const cut = fit.length < ids.length ? inRanges[fit.length - 1] : undefined;
  return { records, nextCursor: formatPlace(cut ?? found.next), more: cut !== undefined || found.more };
}

/** The places of the next records that match, and where the walk ended. */
async function walkOn(
  { planningReader, pacing }: PageContext,
  walk: ExportWalk,
  limit: number,
): Promise<{ places: Place[]; next: Place; more: boolean }> {
  const startMs = performance.now();
  const pace = pacing.pace();
  const places: Place[] = [];
  const how = { byLabel: false, labels: walk.filter.labels?.length ?? 0 };
  let budget = createLookBudget(limit, 1);
  let scanLimit = firstScanLimit(limit);
  let looked = 0;
  for (let { behind } = walk; ; ) {
    const missing = limit - places.length;
    const most = Math.min(scanLimit, budget.looks(how));
    const { found, passed, last } = await exportStep(
      planningReader,
      { ...walk, behind },
      { limit: missing, scanLimit: most },
    );
    for (const place of found) places.push(place);
    const full = places.at(-1);
    if (full !== undefined && places.length >= limit) return { places, next: full, more: true };
    if (passed === most && last !== undefined) behind = last;
    else return { places, next: further(behind, behindBatch(walk.upTo)), more: false };
    budget = budget.afterLooks(how, passed);
    if (budget.isSpent() || performance.now() - startMs > scanTimeMs) return { places, next: behind, more: true };
    looked += passed;
    scanLimit = nextScanLimit(scanLimit, { passed: looked, found: places.length, missing: limit - places.length });
    const others = pace();
    if (others !== undefined) await others;
  }
}

function further(a: Place, b: Place): Place {
  return a.stored > b.stored ? a : b;
}

async function readCursor({ reader }: PageContext, text: string): Promise<Place> {
  if (text === "") return firstPlace;
  const place = parsePlace(text);
  if (place !== undefined) return place;
  const requestId = parseRequestId(text);
  if (requestId === undefined) {
    throw new ThroughlineError("invalid_value", "cursor must be one that an export gave, or the ID of a request.", {
      param: "cursor",
    });
  }
  const known = await placeOf(reader, requestId);
  if (known !== undefined) return known;
  throw new ThroughlineError("invalid_value", "There is no ended request of this ID to go on after.", {
    param: "cursor",
  });
}
