import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  FormPartSchema,
  JobAction,
  type JobStepSchema,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { vendorPhases } from "../db/vendor-batches.ts";
import { creationFate, retryMs } from "../domain/creation-fate.ts";
import { nextPollMs } from "../domain/poll-pace.ts";
import { uploadOf } from "../results/upload.ts";
import { type Answered, askVendor, stepItem } from "./ask-vendor.ts";
import { toOwnWorkers } from "./give-back.ts";
import { type Held, isOver, nameOf, noteStep } from "./held.ts";

/** As long as 200 MB take at 1 MB a second, and some more. */
const uploadTimeoutMs = 10 * 60_000;

/** Uploads the lines. What is uploaded twice is of no harm: a file costs nothing, and its vendor deletes it after a while. */
export async function uploadLines(held: Held): Promise<void> {
  const { context, row } = held;
  if (row.cancel_requested || isOver(held)) return toOwnWorkers(held, "it is not to be created");
  const { report, refusal, isLost } = await send(held, { action: JobAction.BATCH_UPLOAD });
  if (report?.fileId !== undefined) {
    const { fileId, locator = "" } = report;
    await noteStep(held, { phase: vendorPhases.creating, fileId, locator, failures: 0, inMs: 0 });
    return;
  }
  const fate = creationFate(refusal, row.failures);
  if (fate === "own" || isLost) return toOwnWorkers(held, "its vendor takes no file of lines");
  await noteStep(held, { failures: row.failures + 1, inMs: retryMs(row.failures, context.random()) });
}

/** Creates the batch. The row says before that it is sent: whoever finds it so looks for it, and never sends it again. */
export async function createBatch(held: Held): Promise<void> {
  const { context, row } = held;
  if (row.cancel_requested || isOver(held)) return toOwnWorkers(held, "it is not to be created");
  const isOurs = await noteStep(held, { phase: vendorPhases.sent, isSent: true, inMs: 0, keeps: true });
  if (!isOurs) return;
  const { place, locator, file_id: file } = row;
  const { report, error, refusal, isLost } = await send(held, { action: JobAction.BATCH_CREATE, place, locator, file });
  if (report?.batchId !== undefined) {
    await adopt(held, { vendorId: report.batchId, locator: report.locator ?? locator });
    return;
  }
  const fate = creationFate(refusal, row.failures);
  const log = { request_id: row.batch_id.toString(), channel: row.channel, code: error?.code, status: refusal.status };
  context.log.warn(log, "a vendor did not take a batch");
  if (fate === "own" || isLost) return toOwnWorkers(held, "its vendor does not take it");
  if (fate === "find") {
    await noteStep(held, { failures: 0, inMs: 0 });
    return;
  }
  const inMs = retryMs(row.failures, context.random());
  await noteStep(held, { phase: vendorPhases.creating, failures: row.failures + 1, inMs });
}

/** The vendor has the batch: from now on it is asked after. */
export async function adopt(held: Held, { vendorId, locator }: { vendorId: string; locator: string }): Promise<void> {
  const { context, row } = held;
  const { phase, inMs } = { phase: vendorPhases.following, inMs: pollMs(held, 0, 0) };
  await noteStep(held, { phase, vendorId, locator, failures: 0, polls: 0, inMs });
  await context.objects.remove({ id: row.batch_id, accountId: row.account_id });
  context.log.info(
    { request_id: row.batch_id.toString(), channel: row.channel, vendor_id: vendorId },
    "a vendor has a batch",
  );
}

/** Milliseconds to the next question after a batch. They take longer than other jobs and are asked after less often. */
export function pollMs({ context }: Held, polls: number, failedPolls: number): number {
  const { firstPollMs: firstMs, maxPollMs } = context.config;
  return nextPollMs({ polls, failedPolls }, { firstMs, maxMs: maxPollMs * 4, floorMs: 0 }, context.random());
}

async function send(held: Held, step: MessageInitShape<typeof JobStepSchema>): Promise<Answered> {
  const { context, row, known } = held;
  const [route] = known.routes.values();
  if (route === undefined) throw new Error("a batch has no route");
  const bytes = Number(row.bytes);
  const file = { filename: `throughline_${nameOf(held)}.jsonl`, contentType: "application/jsonl", length: row.bytes };
  // The file of the lines travels with the upload, or with the creation where nothing is uploaded.
  const part = create(FormPartSchema, { name: "file", content: { case: "file", value: file } });
  const isWithLines = step.action === JobAction.BATCH_UPLOAD || row.file_id === "";
  const item = {
    ...stepItem(route, row.channel, { ...step, name: nameOf(held) }),
    ...(isWithLines ? { form: [part], bodyLength: row.bytes } : {}),
  };
  const object = { id: row.batch_id, accountId: row.account_id };
  const body = isWithLines ? uploadOf(context.objects, object, bytes) : undefined;
  return askVendor(context, item, {
    ...{ requestId: row.batch_id, traceparent: row.traceparent, timeoutMs: uploadTimeoutMs },
    ...{ body, signal: held.signal },
  });
}
