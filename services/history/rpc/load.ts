import type { Record as HistoryRecord, StoredRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Payload } from "../../../shared/gen/throughline/history/v1/payload_pb.ts";
import type { HistoryContext } from "../context.ts";
import { readLabels, type ShownLabels } from "../db/labels.ts";
import { unpackPayload } from "../db/payload.ts";
import type { RecordRow } from "../db/record-row.ts";
import { readPayloads, readRow, readRows, readRowsWithPayloads, readUnfinished, together } from "../db/records.ts";
import { toText } from "../domain/answer.ts";
import { fairShare } from "../domain/fair-share.ts";
import { shortenJson } from "../domain/shorten.ts";
import { termsOf, toRunningRecord, toStoredRecord } from "./to-record.ts";

type LoadContext = Pick<HistoryContext, "reader" | "terms" | "log" | "pacing">;

/** Payloads are read in groups of at most this size before compression: what comes at once is unpacked in one go. */
const groupBytes = 512 * 1024;
/** Likewise rows, of which the driver makes some 30 a millisecond. */
const groupRows = 100;

/** What comes along with records. */
export interface LoadOptions {
  /**
   * Most bytes of payloads together; where they do not fit, the largest answers are cut to a common size and marked as
   * truncated. Undefined: no payloads.
   */
  readonly payloadBudgetBytes?: number | undefined;
  /** In place of a budget: with payloads, whose answers are cut to this size. */
  readonly maxResponseBytes?: number | undefined;
  /** Whether the details of the payload are wanted: reading them costs as much as all the rest. */
  readonly detail?: boolean | undefined;
  /** True: with the labels of the requests. */
  readonly labels?: boolean | undefined;
  /** False: none of the requests runs, so that need not be looked up. */
  readonly mayRun?: boolean | undefined;
}

/** The records of these IDs, in their order; those deleted meanwhile are missing. */
export async function loadRecords(
  context: LoadContext,
  ids: readonly bigint[],
  { payloadBudgetBytes, maxResponseBytes, detail = true, mayRun = true, labels: withLabels = false }: LoadOptions,
): Promise<StoredRecord[]> {
  // Running ones first: a request that ends between the two reads is then found by the second.
  const running = mayRun ? await readUnfinished(context.reader, ids) : new Map<bigint, Buffer>();
  const wantsPayloads = payloadBudgetBytes !== undefined || maxResponseBytes !== undefined;
  const withBodies = wantsPayloads && ids.length <= together.maxIds;
  const rows: LoadedRow[] = withBodies
    ? await readRowsWithPayloads(context.reader, ids)
    : await readRowsInGroups(context, ids);
  await context.terms.valuesOf(new Set(rows.flatMap(termsOf)));
  const stored = new Map<bigint, StoredRecord>();
  for (const [id, body] of running) stored.set(id, toRunningRecord(body));
  if (!wantsPayloads) {
    const pace = context.pacing.pace();
    for (const row of rows) {
      stored.set(row.request_id, toStoredRecord(row, undefined, { ...context, expired: false, detail }));
      const others = pace();
      if (others !== undefined) await others;
    }
  } else {
    const share = maxResponseBytes ?? fairShare(rows.map(payloadBytes), payloadBudgetBytes ?? 0);
    for await (const [id, one] of withPayloads(context, rows, { share, detail })) stored.set(id, one);
  }
  if (withLabels) {
    const labels = await readLabels(context.reader, ids);
    for (const { record } of stored.values()) if (record !== undefined) showLabels(record, labels);
  }
  return ids.flatMap((id) => stored.get(id) ?? []);
}

async function readRowsInGroups({ reader, pacing }: LoadContext, ids: readonly bigint[]): Promise<RecordRow[]> {
  const rows: RecordRow[] = [];
  const pace = pacing.pace();
  for (let from = 0; from < ids.length; from += groupRows) {
    for (const row of await readRows(reader, ids.slice(from, from + groupRows))) rows.push(row);
    const others = pace();
    if (others !== undefined) await others;
  }
  return rows;
}

/** One record with all that belongs to it; undefined: there is none. */
export async function loadRecord(context: LoadContext, id: bigint): Promise<StoredRecord | undefined> {
  const found = (await readRow(context.reader, id)) ?? (await readRunningOrRow(context, id));
  if (found === undefined || "$typeName" in found) return found;
  await context.terms.valuesOf(new Set(termsOf(found.row)));
  return withPayload(context, found.row, {
    ...{ body: found.body, share: Number.POSITIVE_INFINITY, detail: true, input: true },
  });
}

/** Looked at second, because it is rare; then the record once more: the request may have ended in between. */
async function readRunningOrRow({ reader }: LoadContext, id: bigint) {
  const body = (await readUnfinished(reader, [id])).get(id);
  return body === undefined ? readRow(reader, id) : toRunningRecord(body);
}

/** `body` undefined: it has not been asked for. */
type LoadedRow = RecordRow & { readonly body?: Buffer | null };

async function* withPayloads(
  context: LoadContext,
  rows: readonly LoadedRow[],
  { share, detail }: { share: number; detail: boolean },
): AsyncGenerator<[bigint, StoredRecord]> {
  const pace = context.pacing.pace();
  for (const group of groups(rows)) {
    const bodies = await readPayloads(context.reader, group.filter(isToBeRead).map(idOf));
    for (const row of group) {
      const others = pace();
      if (others !== undefined) await others;
      const body = row.body ?? bodies.get(row.request_id) ?? null;
      yield [row.request_id, await withPayload(context, row, { body, share, detail })];
    }
  }
}

function payloadBytes({ payload_bytes }: RecordRow): number {
  return payload_bytes ?? 0;
}

function isToBeRead({ payload_bytes, body }: LoadedRow): boolean {
  return payload_bytes !== null && (body === undefined || payload_bytes > together.maxPayloadBytes);
}

function idOf({ request_id }: RecordRow): bigint {
  return request_id;
}

/** Cuts rows into groups whose payloads fit the memory that one page may take. */
function* groups(rows: readonly LoadedRow[]): Generator<LoadedRow[]> {
  let group: LoadedRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = row.payload_bytes ?? 0;
    if (group.length > 0 && bytes + size > groupBytes) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(row);
    bytes += size;
  }
  if (group.length > 0) yield group;
}

async function withPayload(
  { terms, log }: LoadContext,
  row: RecordRow,
  { body, share, detail, input = false }: { body: Buffer | null; share: number; detail: boolean; input?: boolean },
): Promise<StoredRecord> {
  const bytes = row.payload_bytes ?? 0;
  if (bytes === 0) return toStoredRecord(row, undefined, { terms, expired: false, detail });
  if (body === null) return toStoredRecord(row, undefined, { terms, expired: true, detail });
  let payload: Payload;
  try {
    payload = await unpackPayload(body, bytes);
  } catch (error) {
    // One damaged value must not hide the other records of its page.
    log.error({ err: error, request_id: row.request_id }, "a payload could not be read");
    return toStoredRecord(row, undefined, { terms, expired: true, detail });
  }
  const stored = toStoredRecord(row, payload, { terms, expired: false, detail, input });
  const { record } = stored;
  if (record !== undefined && record.response.length > share) {
    record.response = Buffer.from(shortenJson(toText(record.response), share));
    record.responseTruncated = true;
  }
  return stored;
}

/** Puts the labels of requests on a record that was read from its row; of one that runs they came with it. */
export function showLabels(record: HistoryRecord, labels: ReadonlyMap<bigint, ShownLabels>): void {
  const own = labels.get(record.requestId);
  if (own === undefined) return;
  record.endUser = own.endUser;
  record.tags = own.tags;
}
