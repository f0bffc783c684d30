import type { FastifyRequest } from "fastify";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { GatewayContext } from "../context.ts";
import { recordRefusal } from "../story/finish.ts";
import { type Labels, labelsOf } from "../story/labels.ts";

/** Longest model name that is kept of a request that was refused unchecked. */
const maxModelLength = 128;

/**
 * Records a request of a known caller that was refused before its story began: a body that is not valid, a key that may
 * not call the endpoint. Nothing of the body is trusted or kept but the model's name and what it says of itself for its client's books.
 */
export function recordUntold(
  context: GatewayContext,
  request: Pick<FastifyRequest, "incoming" | "body" | "headers">,
  error: ThroughlineError,
): void {
  const { incoming, body } = request;
  const { principal, endpoint } = incoming;
  if (principal === undefined || endpoint === undefined || incoming.told) return;
  incoming.told = true;
  const model: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "model") : undefined;
  const demand = { model: typeof model === "string" ? model.slice(0, maxModelLength) : "", answer: "json" } as const;
  const { dialect, module } = endpoint;
  const { storeResponse } = principal;
  const labels = refusedLabels(request);
  recordRefusal(context, { incoming, principal, dialect, module, demand, storeResponse, labels }, undefined, error);
}

/** The labels of a refused request; none where they cannot be read, for they may be why it was refused. */
function refusedLabels({ headers, body }: Pick<FastifyRequest, "body" | "headers">): Labels {
  const said = typeof body === "object" && body !== null ? body : {};
  try {
    return labelsOf(headers, said);
  } catch {
    return labelsOf({}, said);
  }
}
