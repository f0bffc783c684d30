import { ThroughlineError } from "../shared/errors/error.ts";
import type { Route } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GatewayContext } from "./context.ts";
import { type Resolvable, resolveItem } from "./items.ts";

/** Which upstreams may serve it, in which order, at what price. Throws permission_denied for a model the key may not use. */
export async function resolve(context: GatewayContext, wanted: Resolvable): Promise<Route> {
  const { incoming, principal } = wanted;
  if (principal.allowedModels.length > 0 && !principal.allowedModels.includes(wanted.model)) {
    throw new ThroughlineError(
      "permission_denied",
      "This key may not use this model; GET /v1/models lists those it may.",
      { param: "model" },
    );
  }
  return context.routing.resolve.call(resolveItem(wanted), {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.callTimeoutMs,
  });
}
