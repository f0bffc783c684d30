import type { FastifyInstance, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Model } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import type { GatewayContext } from "../context.ts";
import { type Admission, principalOf, publicKinds } from "../edge/admission.ts";
import type { Incoming } from "../story/incoming.ts";
import { geminiModel, geminiPage } from "./gemini/models.ts";

const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true };
const admitted = { config: { admission } };

/**
 * GET /v1/models and /v1/models/{model}: what the key may use, in the caller's shape (OpenAI's or Anthropic's); at
 * /v1beta/models in Google's.
 */
export function models(edge: FastifyInstance, context: GatewayContext): void {
  const list = (request: FastifyRequest) => usableModels(context, request.incoming, principalOf(request), false);

  const listing = async (request: FastifyRequest) => {
    const found = await list(request);
    if (request.headers["anthropic-version"] === undefined) return { object: "list", data: found.map(openaiModel) };
    const data = found.map(anthropicModel);
    return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  };
  const named = async (request: FastifyRequest<{ Params: { "*": string } }>) => {
    const model = (await list(request)).find((candidate) => candidate.name === request.params["*"]);
    if (model !== undefined) return model;
    throw new ThroughlineError("not_found", "There is no such model; GET /v1/models lists them.");
  };

  // Azure's clients have the same lists at paths of their own.
  for (const path of ["/v1/models", "/openai/v1/models", "/openai/models"]) {
    edge.get(path, admitted, listing);
    edge.get<{ Params: { "*": string } }>(`${path}/*`, admitted, async (request) => {
      const model = await named(request);
      return request.headers["anthropic-version"] === undefined ? openaiModel(model) : anthropicModel(model);
    });
  }

  edge.get<{ Querystring: { pageSize?: string; pageToken?: string } }>("/v1beta/models", admitted, async (request) =>
    geminiPage(await list(request), request.query),
  );
  edge.get<{ Params: { "*": string } }>("/v1beta/models/*", admitted, async (request) =>
    geminiModel(await named(request)),
  );
}

/** The models that a key may use, by name. */
export async function usableModels(
  { routing, config }: Pick<GatewayContext, "routing" | "config">,
  incoming: Incoming,
  { group, allowedModels }: Principal,
  withPrices: boolean,
): Promise<Model[]> {
  const { models: found } = await routing.listModels(
    { group, withPrices },
    { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: config.callTimeoutMs },
  );
  return allowedModels.length === 0 ? found : found.filter((model) => allowedModels.includes(model.name));
}

function openaiModel(model: Model) {
  return {
    id: model.name,
    object: "model",
    created: Number(model.createdUnixS),
    owned_by: model.ownedBy,
    module: moduleNameOf(model.module),
    endpoints: model.endpoints,
    ...(model.endsOn === "" ? {} : { shutdown_date: model.endsOn }),
  };
}

function anthropicModel(model: Model) {
  return {
    type: "model",
    id: model.name,
    display_name: model.name,
    created_at: new Date(Number(model.createdUnixS) * 1_000).toISOString(),
    ...(model.endsOn === "" ? {} : { shutdown_date: model.endsOn }),
  };
}
