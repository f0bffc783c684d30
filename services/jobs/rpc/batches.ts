import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { constraintOf } from "../../../shared/db/index.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  AddBatchLinesRequest,
  BeginBatchRequest,
  CancelBatchRequest,
  DeleteBatchRequest,
  GetBatchRequest,
  ListBatchesRequest,
  StartBatchRequest,
} from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { BatchLineSchema } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { InvokeItemSchema, RequestFactsSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { UnaryContext } from "../../../shared/rpc/index.ts";
import type { JobsContext } from "../context.ts";
import { insertLines } from "../db/batch-lines.ts";
import { insertBatchRoutes, readBatchRoutes } from "../db/batch-routes.ts";
import { type BatchRow, batchStates } from "../db/batch-row.ts";
import {
  batchOfKey,
  insertBatch,
  cancelBatch as noteCancel,
  readBatch,
  readBatches,
  removeBatch,
  startBatch as start,
} from "../db/batches.ts";
import { insertVendorBatch, wakeVendorBatch } from "../db/vendor-batches.ts";
import { vendorChannelOf } from "../domain/vendor-choice.ts";
import { toBatch } from "./batch-message.ts";
import { ownerOf } from "./job-message.ts";
import type { Runners } from "./owned-jobs.ts";

const maxPage = 1_000;
const maxViewBytes = 64 * 1024;

/** Begins a batch, whose lines are then added. */
export async function beginBatch({ db }: JobsContext, request: BeginBatchRequest, { traceparent }: UnaryContext) {
  const { batchId, owner, api, endpoint, facts, view, module, storeResponse } = request;
  if (facts === undefined || batchId === 0n || view.length > maxViewBytes) {
    throw new ThroughlineError("invalid_value", "A batch needs an ID, facts and a view of at most 64 KiB.");
  }
  const { accountId } = oneOwner(owner);
  const { idempotencyHash: idempotency, requestDigest: digest } = request;
  const key = idempotency.length === 0 ? undefined : { idempotency, digest };
  const before = key === undefined ? undefined : await batchOfKey(db, accountId, key);
  if (before !== undefined) {
    if (!before.digest.equals(digest)) {
      throw new ThroughlineError("idempotency_mismatch", "This Idempotency-Key was sent with another request.", {
        param: "Idempotency-Key",
      });
    }
    return { firstBatchId: before.batch_id };
  }
  await insertBatch(db, {
    ...{ batch_id: batchId, account_id: accountId, key_id: owner?.keyId ?? 0n, user_id: owner?.userId ?? "" },
    ...{ api, endpoint, module, store_response: storeResponse, view, traceparent },
    input_file_id: request.inputFileId,
    output_file_id: request.outputFileId,
    error_file_id: request.errorFileId,
    facts: toBinary(RequestFactsSchema, facts),
    createdUnixMs: Number(facts.createdUnixUs / 1_000n),
    key,
  });
  return {};
}

/** Adds lines to a batch that has begun. */
export async function addBatchLines({ db }: JobsContext, request: AddBatchLinesRequest) {
  const { batchId: id, accountId, first, routes, lines } = request;
  const items = routes.flatMap(({ number, item }) =>
    item === undefined ? [] : [{ number, item: toBinary(InvokeItemSchema, item) }],
  );
  if (items.length > 0) await insertBatchRoutes(db, id, items);
  const nothing = new Uint8Array();
  await insertLines(
    db,
    { id, accountId },
    lines.map((line, i) => ({
      line: first + i,
      requestId: line.requestId,
      said: toBinary(BatchLineSchema, { ...line, body: nothing }),
      body: line.body,
      error: line.refusal,
    })),
  );
  return {};
}

/** Has a batch run. Again, it runs already. */
export async function startBatch({ db }: JobsContext, runners: Runners, request: StartBatchRequest) {
  const { batchId: id, accountId, total, isHeld, reservedNanoUsd: reserved, lifeMs, resultsLifeMs, models } = request;
  const batch = { id, accountId, total, isHeld, reserved, lifeMs, resultsLifeMs, models };
  const routes = await readBatchRoutes(db, id);
  const channel = vendorChannelOf(
    routes.map(({ item }) => fromBinary(InvokeItemSchema, item)),
    total,
  );
  // A batch that has it when it starts is the vendor's from then on.
  if (channel !== undefined) await insertVendorBatch(db, id, channel);
  const started = await start(db, batch).catch((error: unknown) => {
    if (constraintOf(error) !== "batch_key") throw error;
    throw new ThroughlineError("idempotency_conflict", "Another request with this Idempotency-Key has made its batch.");
  });
  const row = started ?? (await anyBatch(db, accountId, id));
  runners.lines.wake();
  runners.vendorBatches.wake();
  return { batch: toBatch(row) };
}

/** One batch of an owner. */
export function getBatch(context: JobsContext, request: GetBatchRequest) {
  return readOne(context, request);
}

async function readOne(
  { db }: JobsContext,
  { owner, api, batchId }: Pick<GetBatchRequest, "owner" | "api" | "batchId">,
) {
  const row = await readBatch(db, ownerOf(owner), api, batchId);
  if (row === undefined) throw noSuchBatch();
  return { batch: toBatch(row) };
}

/** A page of an owner's batches. */
export async function listBatches({ db }: JobsContext, request: ListBatchesRequest) {
  const { owner, api, afterBatchId: after, limit, ascending: oldestFirst } = request;
  if (limit < 1 || limit > maxPage) {
    throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${maxPage}.`, {
      param: "limit",
    });
  }
  const rows = await readBatches(db, ownerOf(owner), { api, after, limit: limit + 1, oldestFirst });
  return { batches: rows.slice(0, limit).map(toBatch), hasMore: rows.length > limit };
}

/** Asks for the end of a batch; one that has ended stays as it is. */
export async function cancelBatch(context: JobsContext, runners: Runners, request: CancelBatchRequest) {
  const { owner, api, batchId } = request;
  await noteCancel(context.db, oneOwner(owner), api, batchId);
  const answer = await readOne(context, { owner, api, batchId });
  await wakeVendorBatch(context.db, batchId);
  runners.lines.wake();
  runners.vendorBatches.wake();
  return answer;
}

/** Deletes a batch that has ended, with its results. */
export async function deleteBatch({ db, objects }: JobsContext, { owner, api, batchId }: DeleteBatchRequest) {
  const row = await readBatch(db, oneOwner(owner), api, batchId);
  if (row === undefined) throw noSuchBatch();
  if (row.state !== batchStates.ended) {
    throw new ThroughlineError("invalid_value", "The batch has not ended; cancel it first.", { param: "id" });
  }
  for (const id of [row.output_file_id, row.error_file_id]) {
    if (id > 0n) await objects.remove({ id, accountId: row.account_id });
  }
  await removeBatch(db, batchId);
  return {};
}

async function anyBatch(db: JobsContext["db"], accountId: bigint, id: bigint): Promise<BatchRow> {
  for (const api of [1, 2]) {
    const row = await readBatch(db, { accountId, keyId: 0n, userId: "" }, api, id);
    if (row !== undefined) return row;
  }
  throw noSuchBatch();
}

/** The same words for what is unknown and for what is another owner's. */
function noSuchBatch(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such batch.");
}

/** A caller that changes a batch says whose it is. */
function oneOwner(owner: Parameters<typeof ownerOf>[0]): ReturnType<typeof ownerOf> {
  return ownerOf(owner && { ...owner, everybody: false });
}
