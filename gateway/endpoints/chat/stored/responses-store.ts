import type { FastifyInstance, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { JobState } from "../../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { GatewayContext } from "../../../context.ts";
import { listedItems, pageOf } from "../../../domain/response-items.ts";
import { type Admission, principalOf, publicKinds } from "../../../edge/admission.ts";
import { ownerOf } from "../../history-query.ts";
import { requestOf } from "../message-id.ts";
import { backgroundJob, cancelBackground, deleteBackground, giveResponse } from "./background.ts";
import { type Asking, findStored, type StoredResponse } from "./find.ts";

interface ById {
  Params: { id: string };
  Querystring: { limit?: string | string[]; order?: string | string[]; after?: string | string[]; stream?: string };
}

const usualLimit = 20;
const maxLimit = 100;

/**
 * What clients of responses ask for afterwards: GET and DELETE /v1/responses/{id}, its cancel and its input_items. What
 * is another owner's is answered as what is not there.
 */
export function responsesStore(edge: FastifyInstance, context: GatewayContext): void {
  edge.get<ById>("/v1/responses/:id", admitted("chat"), async (request, reply) => {
    if (request.query.stream === "true") {
      throw new ThroughlineError("invalid_value", "stream must be false: the answer is complete.", { param: "stream" });
    }
    const job = await backgroundJob(context, request, requestOf(request.params.id));
    if (job !== undefined) return giveResponse(context, request, reply, job);
    const { answer } = await storedFor(context, request);
    return reply.type("application/json; charset=utf-8").send(Buffer.from(answer));
  });

  edge.post<ById>(
    "/v1/responses/:id/cancel",
    { config: { ...admitted("chat").config, bodyless: true } },
    async (request, reply) => {
      const job = await backgroundJob(context, request, requestOf(request.params.id));
      if (job !== undefined)
        return giveResponse(context, request, reply, await cancelBackground(context, request, job));
      await storedFor(context, request);
      throw new ThroughlineError("invalid_value", "Only a response in the background can be cancelled.", {
        param: "id",
      });
    },
  );

  edge.delete<ById>("/v1/responses/:id", admitted("history.delete"), async (request) => {
    const { incoming } = request;
    const job = await backgroundJob(context, request, requestOf(request.params.id));
    if (job !== undefined) await deleteBackground(context, request, job);
    // History keeps no response of a job that had no answer.
    if (job !== undefined && job.state !== JobState.SUCCEEDED) return deletedResponse(request);
    const { requestId } = await storedFor(context, request);
    await context.history.deleteRecords(
      { owner: askingOf(request).owner, requestIds: [requestId] },
      { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: context.config.callTimeoutMs },
    );
    return deletedResponse(request);
  });

  edge.get<ById>("/v1/responses/:id/input_items", admitted("chat"), async (request) => {
    const asked = pageAsked(request.query);
    const { requestId, input } = await storedFor(context, request);
    if (input.items === null) {
      throw new ThroughlineError("not_found", "The input of this response was too large to be kept.");
    }
    const page = pageOf(listedItems(requestId, input.items), asked);
    if (page === undefined) throw invalid("after", "names no item of this list");
    return page;
  });
}

function deletedResponse({ params }: FastifyRequest<ById>): object {
  return { id: params.id, object: "response", deleted: true };
}

function admitted(scope: string): { config: { admission: Admission } } {
  return { config: { admission: { kinds: publicKinds, scope, freeRequests: 1, fresh: true } } };
}

function askingOf(request: FastifyRequest): Asking {
  return { incoming: request.incoming, owner: ownerOf(principalOf(request), undefined) };
}

async function storedFor(context: GatewayContext, request: FastifyRequest<ById>): Promise<StoredResponse> {
  const requestId = requestOf(request.params.id);
  const stored = requestId === undefined ? undefined : await findStored(context, askingOf(request), requestId);
  if (stored !== undefined) return stored;
  throw new ThroughlineError(
    "not_found",
    "There is no such response. A response is kept for the key that asked for it, where its request did not say store: false and its account keeps answers.",
  );
}

function pageAsked({ limit, order, after }: ById["Querystring"]) {
  if (Array.isArray(limit)) throw invalid("limit", "is given more than once");
  if (Array.isArray(order)) throw invalid("order", "is given more than once");
  if (Array.isArray(after)) throw invalid("after", "is given more than once");
  const most = limit === undefined ? usualLimit : /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > maxLimit) throw invalid("limit", `must be a whole number from 1 to ${maxLimit}`);
  if (order !== undefined && order !== "asc" && order !== "desc") throw invalid("order", "must be asc or desc");
  const direction: "asc" | "desc" = order ?? "desc";
  return { limit: most, order: direction, after };
}

function invalid(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}
