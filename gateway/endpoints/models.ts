import type { FastifyInstance, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Model } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import type { GatewayContext } from "../context.ts";
import { type Admission, principalOf, publicKinds } from "../edge/admission.ts";

const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true };
const admitted = { config: { admission } };

/** GET /v1/models and /v1/models/{model}: what the key may use, in the caller's shape (OpenAI's or Anthropic's). */
export function models(edge: FastifyInstance, context: GatewayContext): void {
  const list = async (request: FastifyRequest) => {
    const { incoming } = request;
    const principal = principalOf(request);
    const { models: found } = await context.routing.listModels(
      { group: principal.group },
      { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: context.config.callTimeoutMs },
    );
    const allowed = principal.allowedModels;
    return allowed.length === 0 ? found : found.filter((model) => allowed.includes(model.name));
  };

  edge.get("/v1/models", admitted, async (request) => {
    const found = await list(request);
    if (request.headers["anthropic-version"] === undefined) return { object: "list", data: found.map(openaiModel) };
    const data = found.map(anthropicModel);
    return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  });

  edge.get<{ Params: { "*": string } }>("/v1/models/*", admitted, async (request) => {
    const found = await list(request);
    const model = found.find((candidate) => candidate.name === request.params["*"]);
    if (model === undefined)
      throw new ThroughlineError("not_found", "There is no such model; GET /v1/models lists them.");
    return request.headers["anthropic-version"] === undefined ? openaiModel(model) : anthropicModel(model);
  });
}

function openaiModel(model: Model) {
  return {
    id: model.name,
    object: "model",
    created: Number(model.createdUnixS),
    owned_by: model.ownedBy,
    module: moduleNameOf(model.module),
    endpoints: model.endpoints,
  };
}

function anthropicModel(model: Model) {
  return {
    type: "model",
    id: model.name,
    display_name: model.name,
    created_at: new Date(Number(model.createdUnixS) * 1_000).toISOString(),
  };
}
