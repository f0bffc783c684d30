import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import { endCall, type ServedCall, startCall } from "./call.ts";

/** What routing does, as spans. */
export interface RoutingSpans {
  /** A route is being worked out. */
  resolve(call: ServedCall, wanted: { model: string; group: string; module: string }): Span;
  /** The route stands; ends the span. `skipped` says why channels were passed over: "channel: reason". */
  resolved(span: Span, route: { channels: readonly string[]; skipped: readonly string[] }): void;
}

/** Creates the spans of routing: a function for each event of its work. */
export function routingSpans(tracing: Tracing): RoutingSpans {
  return {
    resolve: (call, { model, group, module }) =>
      startCall(tracing, "throughline.routing.v1.RoutingService/Resolve", call, "server", () => ({
        [attribute.requestModel]: model,
        [attribute.group]: group,
        [attribute.module]: module,
      })),
    resolved(span, { channels, skipped }) {
      if (span.recording) {
        span.set({ [attribute.candidates]: channels, [attribute.skipped]: skipped.length === 0 ? undefined : skipped });
      }
      endCall(span);
    },
  };
}
