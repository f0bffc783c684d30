import type { ThroughlineError } from "../../../shared/errors/error.ts";
import { toWireError } from "../../../shared/errors/wire.ts";
import { createError, createTimings, createUsage } from "../../../shared/gen/lane_codecs.ts";
import type { Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { AttemptResult } from "../engine/attempt-result.ts";

/**
 * Says in an outcome what a request came to.
 *
 * @param last the attempt that decided it; undefined: none was made.
 * @param error why it failed; undefined: it did not.
 */
export function fillOutcome(
  outcome: Outcome,
  last: AttemptResult | undefined,
  cancelled: boolean,
  error: ThroughlineError | undefined,
): void {
  outcome.cancelled = cancelled;
  if (error !== undefined && !cancelled) outcome.error = createError(toWireError(error));
  if (last === undefined) return;
  outcome.firstByte = last.began;
  outcome.timings = createTimings({
    upstreamSentUs: BigInt(last.timings.sentUs),
    upstreamFirstByteUs: BigInt(last.timings.firstByteUs),
    upstreamLastByteUs: BigInt(last.timings.lastByteUs),
    upstreamChunks: last.timings.chunks,
  });
  if (last.facts !== undefined) {
    outcome.usage = createUsage(last.facts.usage);
    outcome.finishReason = last.facts.finishReason;
    outcome.messageId = last.facts.messageId;
    outcome.responseModel = last.facts.responseModel;
  }
  if (last.document !== undefined) {
    outcome.response = last.document.body;
    outcome.responseTruncated = last.document.truncated;
  }
}
