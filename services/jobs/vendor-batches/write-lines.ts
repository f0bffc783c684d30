import { create } from "@bufbuild/protobuf";
import { type ThroughlineError as Failure, ThroughlineError } from "../../../shared/errors/error.ts";
import { JobAction, JobStepSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { readLine } from "../batches/line-request.ts";
import type { LineRow } from "../db/batch-lines.ts";
import { readWaitingLines, vendorPhases } from "../db/vendor-batches.ts";
import { candidateOf } from "../domain/vendor-choice.ts";
import { openWriter } from "../objects/writer.ts";
import { askProvider, pinned } from "./ask-vendor.ts";
import { endLines } from "./end-lines.ts";
import { toOwnWorkers } from "./give-back.ts";
import { type Held, isOver, noteStep } from "./held.ts";
import { writeLineName } from "./line-name.ts";

/** Lines that are written at the same time. */
const group = 32;
const lineTimeoutMs = 60_000;
/** It is removed as soon as the vendor has it. */
const fileLifeMs = 2 * 86_400_000;
const lineEnd = Buffer.from("\n");

/**
 * Writes the lines of a batch as its vendor takes them, into an object. A line that the vendor's format cannot express has failed,
 * as it would have by itself. A batch that is not one for this vendor after all goes to our own workers.
 */
export async function writeLines(held: Held): Promise<void> {
  const { context, row, known } = held;
  const { db, objects } = context;
  const [route] = known.routes.values();
  const batch = route === undefined ? undefined : candidateOf(route, row.channel)?.batch;
  if (batch === undefined || row.cancel_requested || isOver(held)) return toOwnWorkers(held, "it is not to be created");
  const object = { id: row.batch_id, accountId: row.account_id, isExempt: true, contentType: "application/jsonl" };
  // A worker that began it before may have ended it and died.
  await objects.remove(object);
  const writer = await openWriter(objects, object);
  let [after, count, bytes] = [-1, 0, 0];
  let place: string | undefined;
  for (;;) {
    const rows = await readWaitingLines(db, row.batch_id, after, group);
    const last = rows.at(-1);
    if (last === undefined) break;
    const written = await Promise.all(rows.map((line) => write(held, line)));
    const refused: { readonly row: LineRow; readonly error: Failure }[] = [];
    for (const [i, line] of written.entries()) {
      const lineRow = rows[i];
      if (lineRow === undefined) continue;
      if (line instanceof ThroughlineError) {
        refused.push({ row: lineRow, error: line });
        continue;
      }
      place ??= line.place;
      if (line.place !== place) return toOwnWorkers(held, "its lines go to several places");
      if (count > 0) await writer.write(lineEnd);
      await writer.write(line.bytes);
      count += 1;
      bytes += line.bytes.length + 1;
    }
    await endLines(held, refused);
    after = last.line;
    if (held.isLost()) return;
    if (bytes > Number(batch.mostBytes)) return toOwnWorkers(held, "it is larger than its vendor takes");
  }
  if (place === undefined) return toOwnWorkers(held, "none of its lines can be sent");
  const size = await writer.finish(fileLifeMs);
  const phase = batch.uploads ? vendorPhases.uploading : vendorPhases.creating;
  await noteStep(held, { phase, place, lines: count, bytes: size, failures: 0, inMs: 0 });
}

/** A line as the vendor takes it, or why it cannot be. Throws what says nothing of the line. */
async function write(
  { context, row: batch, known }: Held,
  row: LineRow,
): Promise<{ readonly place: string; readonly bytes: Buffer } | Failure> {
  const { said, item } = readLine(row, known.routes);
  if (item === undefined) return new ThroughlineError("internal_error", "The line has no route.");
  const name = writeLineName({ line: row.line, requestId: row.request_id });
  const { bytes, error } = await askProvider(
    context,
    {
      ...pinned(item, batch.channel),
      body: row.body ?? new Uint8Array(),
      headers: { ...item.headers, ...said.headers },
      estimatedInputTokens: said.estimatedInputTokens,
      outputCeiling: said.outputCeiling,
      job: create(JobStepSchema, { action: JobAction.LINE_WRITE, name }),
    },
    { requestId: row.request_id, traceparent: "", timeoutMs: lineTimeoutMs },
  );
  if (error !== undefined && error.httpStatus >= 500) throw error;
  if (error !== undefined) return error;
  const at = bytes.indexOf(lineEnd);
  return { place: bytes.toString("utf8", 0, at), bytes: bytes.subarray(at + 1) };
}
