import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ResolveItem, Route } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import { batchHandler, type LaneCall } from "../../../shared/rpc/index.ts";
import { endCall } from "../../../shared/telemetry/index.ts";
import type { RoutingContext } from "../context.ts";
import { isCapability } from "../domain/capabilities.ts";
import type { Needs } from "../domain/needs.ts";
import { type RouteQuestion, resolveRoute } from "../domain/resolve.ts";
import { routeMessage } from "./route-message.ts";

/** Resolve: from memory alone, so a batch is answered at once. */
export function resolve(context: RoutingContext) {
  const { live, random, nowMs, spans } = context;

  function answer(call: LaneCall<ResolveItem>) {
    const { item } = call;
    const span = spans.resolve(call, {
      model: item.model,
      group: item.group,
      module: moduleNameOf(item.module),
    });
    try {
      const { snapshot, health } = live.current();
      const route = resolveRoute(toQuestion(item), { snapshot, health, random, nowMs: nowMs() });
      const message = routeMessage(route, snapshot.version);
      if (span.recording) {
        spans.resolved(span, {
          channels: route.candidates.map(({ member }) => member.channel.name),
          skipped: route.reasons.filter(({ chosen }) => !chosen).map(({ channel, reason }) => `${channel}: ${reason}`),
        });
      } else endCall(span);
      return message;
    } catch (thrown) {
      const error = ThroughlineError.from(thrown);
      endCall(span, error.code, error.message);
      return error;
    }
  }

  return batchHandler<ResolveItem, Route>(async (calls) => calls.map(answer));
}

function toQuestion({ group, model, module: wireModule, needs, affinity }: ResolveItem): RouteQuestion {
  const module = moduleNameOf(wireModule);
  if (module === "") throw new ThroughlineError("invalid_value", "The kind of work is not said.", { param: "module" });
  return { group, model, module, affinity, needs: toNeeds(needs) };
}

function toNeeds(needs: ResolveItem["needs"]): Needs {
  const capabilities = (needs?.capabilities ?? []).filter(isCapability);
  if (needs?.tools === true) capabilities.push("tools");
  if (needs?.vision === true) capabilities.push("vision");
  if (needs?.structuredOutput === true) capabilities.push("structured_output");
  if (needs?.audio === true) capabilities.push("audio");
  return {
    inputTokens: Number(needs?.inputTokens ?? 0n),
    maxOutputTokens: Number(needs?.maxOutputTokens ?? 0n),
    capabilities,
  };
}
