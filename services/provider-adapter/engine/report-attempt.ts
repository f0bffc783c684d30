import type { Candidate } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { InvokeItem } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { moduleNameOf, operationOf } from "../../../shared/modules.ts";
import { inputTokensOf, outputTokensOf } from "../../../shared/money/usage.ts";
import { formatRequestId } from "../../../shared/request-id.ts";
import type { LaneCall } from "../../../shared/rpc/index.ts";
import type { AttemptStatus, Span } from "../../../shared/telemetry/index.ts";
import type { ProviderContext } from "../context.ts";
import type { AttemptResult } from "./attempt-result.ts";

/** One attempt, as far as its report needs it. */
export interface ReportedAttempt {
  readonly candidate: Candidate;
  readonly span: Span;
  /** On the clock of performance.now. */
  readonly startedMs: number;
  readonly result: AttemptResult;
  readonly cancelled: boolean;
}

/** Time from sending to the first byte of the answer, milliseconds; 0: none came. */
export function firstByteMsOf({ timings }: AttemptResult): number {
  return timings.firstByteUs === 0 ? 0 : (timings.firstByteUs - timings.sentUs) / 1_000;
}

/** Ends the span of an attempt, counts it, and logs it when it failed. */
export function reportAttempt(context: ProviderContext, call: LaneCall<InvokeItem>, reported: ReportedAttempt): void {
  const { candidate, span, startedMs, result, cancelled } = reported;
  const { attempt, facts, error, timings } = result;
  const firstChunkMs = firstByteMsOf(result) || undefined;
  const usage = facts === undefined || facts.usage.estimated ? undefined : facts.usage;
  const end = {
    httpStatus: attempt.httpStatus || undefined,
    upstreamRequestId: attempt.upstreamRequestId || undefined,
    responseId: facts?.messageId,
    responseModel: facts?.responseModel || undefined,
    finishReason: facts?.finishReason || undefined,
    firstChunkMs,
    usage,
    fault: attempt.fault || undefined,
    faultCode: attempt.faultCode || undefined,
    resent: attempt.resent || undefined,
  };
  if (cancelled) context.spans.cancelled(span, end);
  else if (error === undefined) context.spans.answered(span, end);
  else context.spans.failed(span, { ...end, code: error.code, message: error.message });

  const durationMs = performance.now() - startedMs;
  const status: AttemptStatus = cancelled
    ? "cancelled"
    : attempt.httpStatus !== 0
      ? attempt.httpStatus
      : error?.code === "upstream_timeout"
        ? "timeout"
        : "network";
  if (facts?.usage.estimated) context.metrics.usageEstimated(attempt.channel, error === undefined && !cancelled);
  const errorCode = cancelled ? "client_closed_request" : error?.code;
  context.metrics.upstreamAttempt({ channel: attempt.channel, status, outcome: errorCode ?? "success", durationMs });
  const { chunks, firstByteUs, lastByteUs } = timings;
  context.metrics.upstreamOperation({
    operation: operationOf(moduleNameOf(call.item.module)),
    provider: attempt.platform,
    model: candidate.upstreamModel,
    durationMs,
    ...(call.item.stream
      ? {
          firstChunkMs,
          perChunkMs:
            chunks > 1 && lastByteUs > firstByteUs ? (lastByteUs - firstByteUs) / 1_000 / (chunks - 1) : undefined,
        }
      : {}),
    inputTokens: usage && Number(inputTokensOf(usage)),
    outputTokens: usage && Number(outputTokensOf(usage)),
    errorCode,
  });
  if (error === undefined || cancelled) return;
  if (error.code === "internal_error") logBug(context, call, error.cause);
  context.log.warn(
    {
      request_id: formatRequestId(call.requestId, context.config.idStyle),
      trace_id: span.traceId,
      attempt_id: attempt.attemptId.toString(),
      channel: attempt.channel,
      status: attempt.httpStatus,
      code: error.code,
      ...(attempt.fault === "" ? {} : { fault: attempt.fault, fault_code: attempt.faultCode, reason: error.message }),
      upstream_request_id: attempt.upstreamRequestId,
    },
    "attempt failed",
  );
}

/** A bug of ours: its cause goes to the log here, for it travels no further. */
export function logBug(context: ProviderContext, call: LaneCall<InvokeItem>, thrown: unknown): void {
  context.log.error(
    { err: thrown, request_id: formatRequestId(call.requestId, context.config.idStyle) },
    "attempt broke",
  );
}
