import { ROOT_CONTEXT } from "@opentelemetry/api";
import { TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import { sampledFlag } from "./traceparent.ts";

/** The standard samplers of OTEL_TRACES_SAMPLER that need no service of their own. */
export const samplerNames = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
export type SamplerName = (typeof samplerNames)[number];

/** Whether to record a span of this trace, given its parent's flags (undefined: no parent). */
export type Sampler = (traceId: string, parentFlags: number | undefined) => boolean;

/** The sampler of that name. `ratio` (0..1) counts for the traceidratio ones; every process decides alike on one trace ID. */
export function createSampler(name: SamplerName, ratio: number): Sampler {
  if (name === "always_on") return () => true;
  if (name === "always_off") return () => false;
  const root = name.endsWith("always_on") ? () => true : name.endsWith("always_off") ? () => false : byRatio(ratio);
  if (name === "traceidratio") return root;
  return (traceId, parentFlags) => (parentFlags === undefined ? root(traceId) : (parentFlags & sampledFlag) !== 0);
}

function byRatio(ratio: number): (traceId: string) => boolean {
  const sampler = new TraceIdRatioBasedSampler(ratio);
  return (traceId) => sampler.shouldSample(ROOT_CONTEXT, traceId).decision !== 0;
}
