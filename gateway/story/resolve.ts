import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GatewayContext } from "../context.ts";
import { type Resolvable, resolveItem } from "./items.ts";

/**
 * Which upstreams may serve it, in which order, at what price. A key that may use a model may use it by all of its names:
 * an alias, a pattern, a name with a control (`o3-mini-high`). Throws permission_denied for a model the key may not use.
 */
export async function resolve(context: GatewayContext, wanted: Resolvable): Promise<Route> {
  const { incoming, principal } = wanted;
  const route = await context.routing.resolve.call(resolveItem(wanted), {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.callTimeoutMs,
  });
  const { allowedModels } = principal;
  if (
    allowedModels.length === 0 ||
    allowedModels.includes(wanted.demand.model) ||
    allowedModels.includes(route.model)
  ) {
    return route;
  }
  throw new ThroughlineError(
    "permission_denied",
    "This key may not use this model; GET /v1/models lists those it may.",
    { param: "model" },
  );
}
