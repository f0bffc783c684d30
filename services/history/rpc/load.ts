import type { StoredRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Payload } from "../../../shared/gen/throughline/history/v1/payload_pb.ts";
import type { HistoryContext } from "../context.ts";
import { unpackPayload } from "../db/payload.ts";
import { type ReadRow, readPayloads, readRows, readUnfinished } from "../db/records.ts";
import { toText } from "../domain/answer.ts";
import { fairShare } from "../domain/fair-share.ts";
import { shortenJson } from "../domain/shorten.ts";
import { termsOf, toRunningRecord, toStoredRecord } from "./to-record.ts";

type LoadContext = Pick<HistoryContext, "reader" | "terms" | "log">;

/** Payloads beyond the budget are read this many at a time: each may be as large as an answer may be. */
const largeAtATime = 8;

/** What comes along with records. */
export interface LoadOptions {
  /**
   * Most bytes of payloads together; where they do not fit, the largest answers are cut to a common size and marked as
   * truncated. Undefined: no payloads.
   */
  readonly payloadBudgetBytes?: number | undefined;
  /** Whether the details of the payload are wanted: reading them costs as much as all the rest. */
  readonly detail?: boolean | undefined;
}

/** The records of these IDs, in their order; those deleted meanwhile are missing. */
export async function loadRecords(
  context: LoadContext,
  ids: readonly bigint[],
  { payloadBudgetBytes, detail = true }: LoadOptions,
): Promise<StoredRecord[]> {
  // Running ones first: a request that ends between the two reads is then found by the second.
  const running = await readUnfinished(context.reader, ids);
  const rows = await readRows(context.reader, ids, payloadBudgetBytes ?? 0);
  await context.terms.valuesOf(new Set(rows.flatMap(termsOf)));
  const stored = new Map<bigint, StoredRecord>();
  for (const [id, body] of running) stored.set(id, toRunningRecord(body));
  for await (const one of withPayloads({ ...context, detail }, rows, payloadBudgetBytes))
    stored.set(one.record?.requestId ?? 0n, one);
  return ids.flatMap((id) => stored.get(id) ?? []);
}

type WithDetail = LoadContext & { readonly detail: boolean };

async function* withPayloads(
  context: WithDetail,
  rows: readonly ReadRow[],
  budgetBytes: number | undefined,
): AsyncGenerator<StoredRecord> {
  const { terms, detail } = context;
  if (budgetBytes === undefined) {
    for (const row of rows) yield toStoredRecord(row, undefined, { terms, expired: false, detail });
    return;
  }
  const share = fairShare(
    rows.map((row) => row.payload_bytes ?? 0),
    budgetBytes,
  );
  for (const row of rows) if (row.within) yield await withPayload(context, row, { body: row.body, share });
  const beyond = rows.filter((row) => !row.within);
  for (let at = 0; at < beyond.length; at += largeAtATime) {
    const part = beyond.slice(at, at + largeAtATime);
    const bodies = await readPayloads(
      context.reader,
      part.map((row) => row.request_id),
    );
    for (const row of part) yield await withPayload(context, row, { body: bodies.get(row.request_id) ?? null, share });
  }
}

async function withPayload(
  { terms, log, detail }: WithDetail,
  row: ReadRow,
  { body, share }: { body: Buffer | null; share: number },
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
  const stored = toStoredRecord(row, payload, { terms, expired: false, detail });
  const { record } = stored;
  if (record !== undefined && bytes > share && record.response.length > share) {
    record.response = Buffer.from(shortenJson(toText(record.response), share));
    record.responseTruncated = true;
  }
  return stored;
}
