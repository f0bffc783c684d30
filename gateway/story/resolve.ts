import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GatewayContext } from "../context.ts";
import { type Resolvable, resolveItem } from "./items.ts";

/**
 * Which upstreams may serve it, in which order, at what price. A key that may use a model may use it by all of its names:
 * an alias, a pattern, a name with a control (`o3-mini-high`). Throws permission_denied for a model the key may not use.
 */
export async function resolve(context: GatewayContext, wanted: Resolvable): Promise<Route> {
  const { principal } = wanted;
  const found = findRoute(context, wanted);
  const route = found instanceof Promise ? await found : found;
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

/** The remembered route, or routing's answer. A request whose trace is recorded asks, so that its trace has every step. */
function findRoute({ routing, routes, config }: GatewayContext, wanted: Resolvable): Route | Promise<Route> {
  const { incoming, principal, module, demand } = wanted;
  const { id: requestId, span } = incoming;
  const ask = () =>
    routing.resolve.call(resolveItem(wanted), {
      requestId,
      traceparent: span.traceparent,
      timeoutMs: config.callTimeoutMs,
    });
  if (span.recording || demand.affinity !== "") return ask();
  const { capabilities } = demand.needs;
  const needs = capabilities.length === 0 ? "" : JSON.stringify(capabilities);
  const { group } = principal;
  // A name may have any characters in it: what stands in front of one says where it begins.
  return routes.find(`${module} ${group.length} ${group}${needs}\n${demand.model}`, ask);
}
