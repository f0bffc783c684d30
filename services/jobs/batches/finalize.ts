import { create, fromBinary } from "@bufbuild/protobuf";
import { type ClosingEnding, type ClosingRequest, finalRecord, settleItem } from "../../../shared/closing/index.ts";
import { createUsage } from "../../../shared/gen/lane_codecs.ts";
import {
  type Candidate,
  type Module,
  PricingSchema,
  type StoreResponse,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { TimelineEventSchema } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { BatchApi, BatchLineSchema } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import {
  InvokeItemSchema,
  OutcomeSchema,
  RequestFactsSchema,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobsContext } from "../context.ts";
import { lineResults, readResults } from "../db/batch-results.ts";
import { readBatchRoutes } from "../db/batch-routes.ts";
import type { BatchRow } from "../db/batch-row.ts";
import { claimFinalizing, endBatch, holdFinalizing } from "../db/batch-work.ts";
import { insertFile } from "../db/files.ts";
import { readVendor } from "../db/vendor-batches.ts";
import { anthropicLine, type LineResult, openaiLine } from "../domain/batch-output.ts";
import { type ObjectWriter, openWriter } from "../objects/writer.ts";
import { makeEvent } from "../webhooks/announce.ts";
import { batchEvent } from "../webhooks/domain/batch-event.ts";
import { resultOf } from "./close-line.ts";
import { batchDialects } from "./dialects.ts";
import { lineError } from "./line-request.ts";

const leaseMs = 30_000;
const callTimeoutMs = 8_000;
/** Lines that are read at a time. */
const group = 50;
const linesType = "application/jsonl";

/**
 * Takes a batch all of whose lines have ended, writes its results, gives back what is left of its reservation and records it. True:
 * there was one. Each step may be done again by another process; the row ends last.
 */
export async function finalizeOne(context: JobsContext, worker: bigint): Promise<boolean> {
  const batch = await claimFinalizing(context.db, worker, leaseMs);
  if (batch === undefined) return false;
  const isOurs = await writeResults(context, batch, worker);
  if (!isOurs) return true;
  await closeBatch(context, batch);
  await announceBatch(context, batch, worker);
  return true;
}

/** The end of the row and what is told of it are one transaction: who is told finds a batch that has ended. */
async function announceBatch({ db, courier }: JobsContext, batch: BatchRow, worker: bigint): Promise<void> {
  const { batch_id: batchId, account_id: accountId, traceparent, cancel_requested: cancelRequested, expired } = batch;
  const event = batchEvent({ batchId, isMessageBatch: batch.api === BatchApi.ANTHROPIC, cancelRequested, expired });
  const one = { ...event, accountId, source: `batch ${batchId}`, requestId: batchId, traceparent, toCallback: true };
  const isAsked = await db.transaction(async (trx) => {
    await endBatch(trx, batchId, worker);
    return makeEvent(trx, one);
  });
  if (isAsked) courier.wake();
}

/** A part of the results, with what it takes in. */
interface Part {
  readonly objectId: bigint;
  readonly filename: string;
  readonly takes: readonly number[];
  readonly count: number;
  readonly line: (result: LineResult) => Uint8Array;
}

function partsOf(batch: BatchRow): readonly Part[] {
  const { batch_id: id, output_file_id: output, error_file_id: errors, succeeded, failed, expired, total } = batch;
  const { succeeded: good, failed: bad, expired: late, cancelled } = lineResults;
  if (batch.api === BatchApi.ANTHROPIC) {
    return [{ objectId: output, filename: "", takes: [good, bad, late, cancelled], count: total, line: anthropicLine }];
  }
  const named = { line: openaiLine };
  return [
    { ...named, objectId: output, filename: `batch_${id}_output.jsonl`, takes: [good], count: succeeded },
    { ...named, objectId: errors, filename: `batch_${id}_error.jsonl`, takes: [bad, late], count: failed + expired },
  ].filter(({ count }) => count > 0);
}

/** Writes the results as they are read: a group of lines and a piece of each file are in memory. False: another has the batch. */
async function writeResults(context: JobsContext, batch: BatchRow, worker: bigint): Promise<boolean> {
  const { db, objects } = context;
  const owner = { accountId: batch.account_id, isExempt: true };
  const open: { part: Part; writer: ObjectWriter }[] = [];
  for (const part of partsOf(batch)) {
    const object = { id: part.objectId, ...owner };
    const isThere = await objects.find(object).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    const writer = await openWriter(objects, { ...object, contentType: linesType });
    if (part.filename !== "") {
      const { account_id, key_id, user_id } = batch;
      const file = { file_id: part.objectId, account_id, key_id, user_id, filename: part.filename };
      await insertFile(db, { ...file, purpose: "batch_output" });
    }
    open.push({ part, writer });
  }
  for (let after = -1; open.length > 0; ) {
    const rows = await readResults(db, batch.batch_id, after, group);
    const last = rows.at(-1);
    if (last === undefined) break;
    for (const row of rows) {
      const said = fromBinary(BatchLineSchema, row.said);
      const { request_id: requestId, answer } = row;
      const { customId } = said;
      const result = { requestId, customId, answer: answer ?? undefined, error: lineError(row, said) };
      const kind = resultOf(row);
      for (const { part, writer } of open) if (part.takes.includes(kind)) await writer.write(part.line(result));
    }
    after = last.line;
    if (!(await holdFinalizing(db, batch.batch_id, worker, leaseMs))) return false;
  }
  for (const { writer } of open) await writer.finish(Number(batch.results_life_ms));
  return true;
}

/** Gives back what no line has taken of the reservation, and records the batch itself: it costs nothing, its lines do. */
async function closeBatch({ db, billing, history }: JobsContext, batch: BatchRow): Promise<void> {
  const routes = await readBatchRoutes(db, batch.batch_id);
  const item = routes[0] === undefined ? undefined : fromBinary(InvokeItemSchema, routes[0].item);
  const request: ClosingRequest = {
    requestId: batch.batch_id,
    facts: {
      ...fromBinary(RequestFactsSchema, batch.facts),
      reservedNanoUsd: batch.reserved,
      model: item?.facts?.model ?? "",
    },
    dialect: batchDialects[batch.api as BatchApi] ?? "",
    module: batch.module as Module,
    requestedModel: batch.models[0] ?? "",
    stream: false,
    storeResponse: batch.store_response as StoreResponse,
    candidates: (item?.candidates ?? []).map(forNothing),
  };
  const ending: ClosingEnding = {
    outcome: create(OutcomeSchema, { usage: createUsage({}) }),
    error: undefined,
    gone: false,
    lost: false,
    pieces: 1,
    channel: "",
    inputTokens: 0,
  };
  const options = { requestId: batch.batch_id, traceparent: batch.traceparent, timeoutMs: callTimeoutMs };
  const settlement = batch.is_held
    ? await billing.settle.call(settleItem(request, ending), options)
    : { billedNanoUsd: 0n, reason: "" };
  const { total, succeeded, failed, cancelled, expired } = batch;
  const record = finalRecord(
    request,
    ending,
    {
      firstByteUs: 0n,
      durationUs: BigInt(Math.max(0, Date.now() - batch.created_at.getTime())) * 1_000n,
      timeline: timelineOf(batch),
      response: Buffer.from(
        JSON.stringify({ object: "batch", lines: { total, succeeded, failed, cancelled, expired } }),
      ),
      responseTruncated: false,
      notes: [],
    },
    settlement,
  );
  // It has no upstream of its own, its lines have; but where a vendor ran it as a whole it is known there.
  const vendor = await readVendor(db, batch.batch_id);
  const candidate = item?.candidates.find(({ channel }) => channel === vendor?.channel);
  record.channel = vendor?.channel ?? "";
  record.platform = candidate?.platform ?? "";
  record.upstreamRequestId = vendor?.vendor_id ?? "";
  await history.record.call({ record }, options);
}

/** A batch costs nothing, whatever a request costs by its lines' prices: each line pays for itself. */
function forNothing(candidate: Candidate): Candidate {
  return { ...candidate, pricing: create(PricingSchema, { strategy: candidate.pricing?.strategy ?? "" }) };
}

function timelineOf({ created_at: created, started_at, cancelling_at, finalizing_at }: BatchRow) {
  const steps = { started: started_at, cancelling: cancelling_at, finalizing: finalizing_at };
  return Object.entries(steps).flatMap(([name, at]) =>
    at === null
      ? []
      : [create(TimelineEventSchema, { name, atUs: BigInt(Math.max(0, at.getTime() - created.getTime())) * 1_000n })],
  );
}
