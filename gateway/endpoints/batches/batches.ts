import type { FastifyInstance, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { type Batch, BatchApi } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, publicKinds } from "../../edge/admission.ts";
import { batchId, toBatch } from "../../view/batch.ts";
import { requestOf } from "../chat/message-id.ts";
import { tellBatchCost } from "../jobs/batch-cost.ts";
import { callOptions, jobOwner } from "../jobs/owned.ts";
import { pageOf } from "../page.ts";

const api = BatchApi.OPENAI;
const pages = { usual: 20, most: 100 };

interface ById {
  Params: { id: string };
}

/** What a client does with its batches: read, list, cancel. */
export function batches(edge: FastifyInstance, context: GatewayContext): void {
  const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true };
  const config = { admission };

  edge.get<ById>("/v1/batches/:id", { config }, async (request, reply) => {
    const asked = { owner: jobOwner(request), api, batchId: ownId(request.params.id) };
    const { batch } = await context.jobs.getBatch(asked, callOptions(context, request));
    if (batch !== undefined) tellBatchCost(request, reply, batch);
    return shown({ batch });
  });

  edge.post<ById>("/v1/batches/:id/cancel", { config: { ...config, bodyless: true } }, async (request) => {
    const asked = { owner: jobOwner(request), api, batchId: ownId(request.params.id) };
    return shown(await context.jobs.cancelBatch(asked, callOptions(context, request)));
  });

  edge.get("/v1/batches", { config }, async (request: FastifyRequest) => {
    const { after, limit, ascending } = pageOf(request.query, pages);
    const { batches: found, hasMore } = await context.jobs.listBatches(
      { owner: jobOwner(request), api, afterBatchId: after, limit, ascending },
      callOptions(context, request),
    );
    const ids = found.map((batch) => batchId(batch.batchId));
    return {
      object: "list",
      data: found.map(toBatch),
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
      has_more: hasMore,
    };
  });
}

function shown({ batch }: { readonly batch?: Batch | undefined }): object {
  if (batch === undefined) throw noSuchBatch();
  return toBatch(batch);
}

/** The batch that an ID in any spelling names. */
function ownId(text: string): bigint {
  const id = requestOf(text);
  if (id === undefined) throw noSuchBatch();
  return id;
}

function noSuchBatch(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such batch.");
}
