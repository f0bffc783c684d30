import type { FastifyInstance, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { type Batch, BatchApi, BatchState } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, publicKinds } from "../../edge/admission.ts";
import { messageBatchId, toMessageBatch } from "../../view/message-batch.ts";
import { requestOf } from "../chat/message-id.ts";
import { tellBatchCost } from "../jobs/batch-cost.ts";
import { callOptions, jobOwner } from "../jobs/owned.ts";
import { giveObject } from "../objects/give.ts";
import { objectReader } from "../objects/read.ts";
import { cursorOf } from "../page.ts";
import { originOf } from "./origin.ts";

const api = BatchApi.ANTHROPIC;
const pages = { usual: 20, most: 1_000 };
/** An upload that was begun in a bucket may have to be given up there. */
const deleteTimeoutMs = 60_000;
const resultsType = "application/x-jsonl";

interface ById {
  Params: { id: string };
}

/** What a client does with its message batches: read, list, cancel, read the results, delete. */
export function messageBatches(edge: FastifyInstance, context: GatewayContext): void {
  const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true, secretFirst: "x-api-key" };
  const config = { admission };

  edge.get<ById>("/v1/messages/batches/:id", { config }, async (request, reply) => {
    const batch = await batchOf(context, request);
    tellBatchCost(request, reply, batch);
    return toMessageBatch(batch, originOf(request));
  });

  edge.get("/v1/messages/batches", { config }, async (request) => {
    const { after, before, limit } = pageOf(request.query);
    // Behind a batch are older ones; before it newer ones, which are then read from the nearest on.
    const { batches, hasMore } = await context.jobs.listBatches(
      { owner: jobOwner(request), api, afterBatchId: before ?? after ?? 0n, limit, ascending: before !== undefined },
      callOptions(context, request),
    );
    const found = before === undefined ? batches : batches.toReversed();
    const ids = found.map(({ batchId }) => messageBatchId(batchId));
    return {
      data: found.map((batch) => toMessageBatch(batch, originOf(request))),
      has_more: hasMore,
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
    };
  });

  edge.post<ById>("/v1/messages/batches/:id/cancel", { config: { ...config, bodyless: true } }, async (request) => {
    const asked = { owner: jobOwner(request), api, batchId: ownId(request.params.id) };
    const { batch } = await context.jobs.cancelBatch(asked, callOptions(context, request));
    if (batch === undefined) throw noSuchBatch();
    return toMessageBatch(batch, originOf(request));
  });

  edge.delete<ById>("/v1/messages/batches/:id", { config }, async (request) => {
    const asked = { owner: jobOwner(request), api, batchId: ownId(request.params.id) };
    await context.jobs.deleteBatch(asked, { ...callOptions(context, request), timeoutMs: deleteTimeoutMs });
    return { id: messageBatchId(asked.batchId), type: "message_batch_deleted" };
  });

  edge.get<ById>("/v1/messages/batches/:id/results", { config }, async (request, reply) => {
    const { state, outputFileId: objectId, accountId } = await batchOf(context, request);
    if (state !== BatchState.ENDED) {
      throw new ThroughlineError("invalid_value", "The batch has not ended, so it has no results yet.", {
        param: "id",
      });
    }
    const { bytes } = await context.jobs.readObject(
      { objectId, accountId, offset: 0n, maxBytes: 1 },
      callOptions(context, request),
    );
    const read = objectReader(context, request, { objectId, accountId });
    await giveObject(request, reply, { bytes: Number(bytes), contentType: resultsType, read });
  });
}

async function batchOf(context: GatewayContext, request: FastifyRequest<ById>): Promise<Batch> {
  const asked = { owner: jobOwner(request), api, batchId: ownId(request.params.id) };
  const { batch } = await context.jobs.getBatch(asked, callOptions(context, request));
  if (batch === undefined) throw noSuchBatch();
  return batch;
}

function pageOf(query: unknown): { after: bigint | undefined; before: bigint | undefined; limit: number } {
  const given = new Map(typeof query === "object" && query !== null ? Object.entries(query) : []);
  const limit = given.get("limit") === undefined ? pages.usual : Number(given.get("limit"));
  if (!Number.isInteger(limit) || limit < 1 || limit > pages.most) {
    throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${pages.most}.`, {
      param: "limit",
    });
  }
  const [after, before] = ["after_id", "before_id"].map((name) => cursorOf(given.get(name), name));
  return { after, before, limit };
}

/** The batch that an ID in any spelling names. */
function ownId(text: string): bigint {
  const id = requestOf(text);
  if (id === undefined) throw noSuchBatch();
  return id;
}

function noSuchBatch(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such message batch.");
}
