import { boundDocumentInPieces } from "../../../shared/bounded-document.ts";
import type { Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobsContext } from "../context.ts";
import { rowResult } from "../db/calls.ts";
import { type JobRow, kinds } from "../db/job-row.ts";

/** What a record has of the answer to a job. */
export interface RecordedAnswer {
  readonly response: Uint8Array;
  readonly responseTruncated: boolean;
}

/** Largest answer that travels to history whole, and what travels of a larger one: as the gateway's own records do. */
const maxWholeBytes = 16 * 1024 * 1024;
const maxBoundedBytes = 8 * 1024 * 1024;

const nothing: RecordedAnswer = { response: new Uint8Array(), responseTruncated: false };

/** What the record of a job has of its answer; nothing where it failed. */
export async function recordedAnswer(
  context: JobsContext,
  row: JobRow,
  outcome: Outcome | undefined,
): Promise<RecordedAnswer> {
  // A client that deletes a response before its end does not want it kept.
  if (row.error_code !== null || (row.deleted && row.kind === kinds.call)) return nothing;
  if (row.kind !== kinds.call) return { response: documentOf(row), responseTruncated: false };
  if (!row.keeps_answer) {
    return { response: outcome?.response ?? new Uint8Array(), responseTruncated: outcome?.responseTruncated ?? false };
  }
  const whole = await wholeOf(context, row);
  const responseTruncated = outcome?.responseTruncated ?? false;
  if (whole.length <= maxWholeBytes) return { response: whole, responseTruncated };
  return { response: await boundDocumentInPieces(whole, maxBoundedBytes), responseTruncated: true };
}

async function wholeOf({ db, objects }: JobsContext, row: JobRow): Promise<Buffer> {
  if (row.result_object === 0n) return (await rowResult(db, row.request_id)) ?? Buffer.alloc(0);
  const object = { id: row.result_object, accountId: row.account_id };
  const total = Number(row.result_bytes);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < total; ) {
    const { bytes } = await objects.read(object, at, total - at);
    if (bytes.length === 0) break;
    pieces.push(bytes);
    at += bytes.length;
  }
  return Buffer.concat(pieces);
}

function documentOf(row: JobRow): Buffer {
  const view: unknown = JSON.parse(row.view.toString());
  const said = { ...(typeof view === "object" ? view : {}), status: "completed", vendor_job_id: row.vendor_job_id };
  return Buffer.from(JSON.stringify(said));
}
