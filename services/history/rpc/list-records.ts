import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ListRecordsRequest, StoredRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { PageContext } from "../context.ts";
import { readRows } from "../db/records.ts";
import { readFilter } from "./filter.ts";
import { listIds } from "./list-ids.ts";
import { loadRecords } from "./load.ts";

const defaultLimit = 50;
const maxLimit = 1_000;
/** Most bytes of payloads of a page that goes by cursor: the next is one call away. */
const pagePayloadBytes = 4 * 1024 * 1024;

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
