import { create, toBinary } from "@bufbuild/protobuf";
import { JobAction, JobStepSchema, OutcomeSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { holdLines } from "../batches/holds.ts";
import { type Line, readLine } from "../batches/line-request.ts";
import type { LineEnd } from "../db/batch-lines.ts";
import { batchStates } from "../db/batch-row.ts";
import { keptError } from "../db/kept-error.ts";
import { beginVendorLines, type LineName, readNamedLines, vendorPhases } from "../db/vendor-batches.ts";
import { retryMs } from "../domain/creation-fate.ts";
import { askProvider, pinned } from "./ask-vendor.ts";
import { endAll, noteEnds } from "./end-lines.ts";
import { type Held, isGivenUp, noteStep } from "./held.ts";
import { readLineName } from "./line-name.ts";
import { resultLines } from "./result-lines.ts";

/** Lines and bytes of results that are carried out together. */
const group = { lines: 100, bytes: 4 * 1024 * 1024 };
const lineTimeoutMs = 60_000;
/** Results that cannot be read so often, a minute apart, are given up once the batch's time is over. */
const mostFailures = 30;

const unread = { code: "upstream_error", message: "The upstream's results of the batch cannot be read." };
const missing = { code: "upstream_error", message: "The upstream ended the batch without a result of this request." };
const late = { code: "expired", message: "This request could not be begun before the batch's time was over." };
const cancelled = { code: "cancelled", message: "The batch was cancelled before this request was begun." };

/**
 * Reads the results of a batch that has ended, as they come, and ends each line once: one that comes twice counts the first time,
 * one that never comes costs nothing. What breaks off is read again; lines that have ended by then are passed over.
 */
export async function readResults(held: Held): Promise<void> {
  const { context, row } = held;
  if (row.state !== batchStates.running) {
    await noteStep(held, { phase: vendorPhases.cleaning, failures: 0, inMs: 0 });
    return;
  }
  try {
    for (const file of row.files) await readFile(held, file);
    if (held.isLost()) return;
  } catch (error) {
    const log = { err: error, request_id: row.batch_id.toString(), channel: row.channel };
    context.log.warn(log, "the results of a vendor's batch could not be read; it is tried again");
    if (!isGivenUp(held) || row.failures < mostFailures) {
      await noteStep(held, { failures: row.failures + 1, inMs: retryMs(row.failures, context.random()) });
      return;
    }
    await endAll(held, unread);
  }
  await endAll(held, row.is_late ? late : row.cancel_requested || row.cancel_sent ? cancelled : missing);
  await noteStep(held, { phase: vendorPhases.cleaning, failures: 0, inMs: 0 });
}

async function readFile(held: Held, file: string): Promise<void> {
  let gathered = new Map<number, { readonly name: LineName; readonly bytes: Buffer }>();
  let bytes = 0;
  for await (const line of resultLines(held, file)) {
    if (held.isLost()) return;
    const name = readLineName(line.name);
    if (name === undefined || gathered.has(name.line)) continue;
    gathered.set(name.line, { name, bytes: line.bytes });
    bytes += line.bytes.length;
    if (gathered.size < group.lines && bytes < group.bytes) continue;
    await take(held, gathered);
    [gathered, bytes] = [new Map(), 0];
  }
  await take(held, gathered);
}

/** Ends lines by what the vendor says of them. */
async function take(
  held: Held,
  results: ReadonlyMap<number, { readonly name: LineName; readonly bytes: Buffer }>,
): Promise<void> {
  const { context, row, known } = held;
  const names = [...results.values()].map(({ name }) => name);
  if (names.length === 0) return;
  const rows = await readNamedLines(context.db, row.batch_id, names);
  const lines = rows.map((line) => readLine({ ...line, by_vendor: true }, known.routes));
  const ends = await Promise.all(
    lines.map((line) => endOf(held, line, results.get(line.row.line)?.bytes ?? Buffer.alloc(0))),
  );
  const answered = lines.filter((_line, i) => ends[i]?.error === undefined);
  if (answered.length > 0) {
    // From now on their parts of the reservation are kept alive, whoever dies.
    const numbers = answered.map((line) => line.row.line);
    await beginVendorLines(context.db, row.batch_id, numbers, row.sent_at ?? new Date());
    // Lines whose price cannot be held are charged all the same: the vendor has answered.
    await holdLines(context, { batchId: row.batch_id, accountId: row.account_id }, answered);
  }
  await noteEnds(held, ends);
}

/** How a line ended. Throws what says nothing of the line. */
async function endOf({ context, row: batch }: Held, { row, said, item }: Line, result: Buffer): Promise<LineEnd> {
  const place = { batchId: row.batch_id, line: row.line };
  if (item === undefined) {
    const error = { code: "internal_error", message: "The line has no route." };
    return { ...place, outcome: undefined, answer: undefined, error };
  }
  const { locator, vendor_id: vendorJobId } = batch;
  const job = create(JobStepSchema, { action: JobAction.LINE_READ, line: result, vendorJobId, locator });
  const { bytes, outcome, error } = await askProvider(
    context,
    {
      ...pinned(item, batch.channel),
      body: row.body ?? new Uint8Array(),
      headers: { ...item.headers, ...said.headers },
      estimatedInputTokens: said.estimatedInputTokens,
      outputCeiling: said.outputCeiling,
      job,
    },
    { requestId: row.request_id, traceparent: "", timeoutMs: lineTimeoutMs },
  );
  if (outcome === undefined) throw error ?? new Error("a line was not read");
  outcome.candidate = Math.max(
    0,
    item.candidates.findIndex(({ channel }) => channel === batch.channel),
  );
  return {
    ...{ ...place, outcome: toBinary(OutcomeSchema, outcome) },
    ...(error === undefined ? { answer: bytes, error: undefined } : { answer: undefined, error: keptError(error) }),
  };
}
