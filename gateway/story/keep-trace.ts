import { isFault } from "../../shared/errors/catalogue.ts";
import type { GatewayConfig } from "../config.ts";
import type { Incoming } from "./incoming.ts";

/** Hex digits of a trace ID that tell its place among all: as many as a number holds exactly. */
const digits = 13;

/**
 * Whether a request's trace is not kept. Failed and slow ones always are; of the others a share, by their trace ID. The root
 * span says it to the collector, and the record to whoever would follow its link, so it is decided once, by who asks first.
 */
export function traceDropped(
  { traceKeepRatio, traceKeepSlowerThanMs }: Pick<GatewayConfig, "traceKeepRatio" | "traceKeepSlowerThanMs">,
  incoming: Pick<Incoming, "span" | "arrivedMs" | "traceDropped">,
  errorCode: string | undefined,
): boolean {
  incoming.traceDropped ??= isDropped();
  return incoming.traceDropped;

  function isDropped(): boolean {
    const { span, arrivedMs } = incoming;
    if (!span.recording) return true;
    if (traceKeepRatio >= 1 || isFault(errorCode)) return false;
    if (performance.now() - arrivedMs >= traceKeepSlowerThanMs) return false;
    return placeOf(span.traceId) >= traceKeepRatio;
  }
}

/** 0 up to 1, the same for one trace ID everywhere. */
function placeOf(traceId: string): number {
  return Number.parseInt(traceId.slice(-digits), 16) / 16 ** digits;
}
