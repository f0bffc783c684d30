import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { toWireError } from "../../../shared/errors/wire.ts";
import {
  type Candidate,
  ErrorSchema,
  Module,
  StoreResponse,
  UsageSchema,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type Frame,
  HeadSchema,
  type InvokeItem,
  type Outcome,
  OutcomeSchema,
  TimingsSchema,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { formatRequestId } from "../../../shared/request-id.ts";
import { type FrameSink, type LaneCall, streamHandler } from "../../../shared/rpc/index.ts";
import type { AttemptStatus } from "../../../shared/telemetry/index.ts";
import { type AttemptResult, type RunningAttempt, startAttempt } from "../attempt.ts";
import type { ProviderContext } from "../context.ts";
import type { Asked, Exchange } from "../domain/exchange.ts";

/** Module names of spans and metrics. */
const moduleNames: Readonly<Record<Module, string>> = {
  [Module.UNSPECIFIED]: "chat",
  [Module.CHAT]: "chat",
  [Module.EMBEDDINGS]: "embeddings",
  [Module.IMAGE]: "image",
  [Module.VIDEO]: "video",
  [Module.AUDIO]: "audio",
  [Module.RERANK]: "rerank",
  [Module.MODERATION]: "moderation",
};

/** Tries the candidates in order until a first byte; frames go back in the client's dialect; ends with the outcome. */
export function invoke(context: ProviderContext) {
  return streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
    const arrivedMs = performance.now() - Number(call.item.elapsedUs) / 1_000;
    const clockUs = () => Math.round((performance.now() - arrivedMs) * 1_000);
    const outcome = create(OutcomeSchema);
    let running: RunningAttempt | undefined;
    let cancelled = false;
    call.signal.addEventListener("abort", () => {
      cancelled = true;
      running?.cancel();
    });
    out.onPauseChange((paused) => {
      if (paused) running?.pause();
      else running?.resume();
    });

    let last: AttemptResult | undefined;
    let error: ThroughlineError | undefined;
    for (const [index, candidate] of call.item.candidates.entries()) {
      if (cancelled) break;
      outcome.candidate = index;
      try {
        const started = await begin(context, call, out, candidate, index, clockUs);
        running = started.running;
        if (cancelled) running.cancel();
        if (out.paused) running.pause();
        last = await running.result;
        outcome.notes = [...started.exchange.notes];
        report(context, call, started, last, cancelled);
      } catch (thrown) {
        error = ThroughlineError.from(thrown);
        if (error.code === "internal_error") logBug(context, call, thrown);
        // What this channel's format cannot express is the client's to change; another channel may be able to.
        if (error.code !== "service_unavailable" && error.code !== "invalid_value") break;
        continue;
      }
      outcome.attempts.push(last.attempt);
      error = last.error;
      if (error === undefined || !last.failover) break;
    }
    fill(outcome, last, cancelled, error);
    return outcome;
  });
}

interface Started {
  readonly running: RunningAttempt;
  readonly exchange: Exchange;
  readonly span: ReturnType<ProviderContext["spans"]["upstreamAttempt"]>;
  readonly startedMs: number;
}

async function begin(
  context: ProviderContext,
  call: LaneCall<InvokeItem>,
  out: FrameSink<Frame>,
  candidate: Candidate,
  index: number,
  clockUs: () => number,
): Promise<Started> {
  const { item } = call;
  const channel = await context.channels.find(candidate.channel, item.configVersion);
  const makeExchange = channel.adapter.exchanges[item.dialect];
  if (makeExchange === undefined) {
    throw new ThroughlineError("invalid_value", "This model is not available on this endpoint.", { param: "model" });
  }
  const exchange = makeExchange(askedOf(call, candidate));
  const attemptId = context.ids.next();
  const span = context.spans.upstreamAttempt(call, {
    attemptId,
    attempt: index + 1,
    channel: channel.name,
    provider: channel.platform,
    module: moduleNames[item.module] ?? "chat",
    model: candidate.upstreamModel,
    stream: item.stream,
    serverAddress: channel.host,
    serverPort: channel.port,
  });
  let headSent = false;
  const running: RunningAttempt = startAttempt(
    context,
    {
      channel,
      candidate,
      exchange,
      stream: item.stream,
      span,
      attemptId,
      requestIdText: formatRequestId(call.requestId, context.config.idStyle),
      clockUs,
    },
    {
      write(data, upstreamRequestId) {
        if (headSent) return out.write({ data });
        headSent = true;
        out.write({
          data,
          head: create(HeadSchema, {
            upstreamRequestId,
            contentType: item.stream ? "text/event-stream; charset=utf-8" : "application/json",
            channel: channel.name,
            attemptId,
          }),
        });
      },
    },
  );
  return { running, exchange, span, startedMs: performance.now() };
}

function askedOf({ item, requestId }: LaneCall<InvokeItem>, candidate: Candidate): Asked {
  return {
    requestId,
    model: item.model,
    upstreamModel: candidate.upstreamModel,
    control: item.control,
    stream: item.stream,
    includeUsage: item.includeUsage,
    body: item.body,
    headers: item.headers,
    createdUnixS: Number(item.createdUnixS),
    keepResponse: item.storeResponse !== StoreResponse.NONE,
  };
}

/** A bug of ours: its cause goes to the log here, for it travels no further. */
function logBug(context: ProviderContext, call: LaneCall<InvokeItem>, thrown: unknown): void {
  context.log.error(
    { err: thrown, request_id: formatRequestId(call.requestId, context.config.idStyle) },
    "attempt broke",
  );
}

/** One span and one count for every attempt. */
function report(
  context: ProviderContext,
  call: LaneCall<InvokeItem>,
  { span, startedMs }: Started,
  result: AttemptResult,
  cancelled: boolean,
): void {
  const { attempt, facts, error, timings } = result;
  const end = {
    httpStatus: attempt.httpStatus || undefined,
    upstreamRequestId: attempt.upstreamRequestId || undefined,
    responseId: facts?.messageId,
    responseModel: facts?.responseModel || undefined,
    finishReason: facts?.finishReason || undefined,
    firstChunkMs: timings.firstByteUs === 0 ? undefined : (timings.firstByteUs - timings.sentUs) / 1_000,
    usage: facts === undefined || facts.usage.estimated ? undefined : facts.usage,
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
  context.metrics.upstreamAttempt({ channel: attempt.channel, status, durationMs });
  if (error !== undefined && !cancelled) {
    if (error.code === "internal_error") logBug(context, call, error.cause);
    context.log.warn(
      {
        request_id: formatRequestId(call.requestId, context.config.idStyle),
        trace_id: span.traceId,
        attempt_id: attempt.attemptId.toString(),
        channel: attempt.channel,
        status: attempt.httpStatus,
        code: error.code,
        upstream_request_id: attempt.upstreamRequestId,
      },
      "attempt failed",
    );
  }
}

function fill(
  outcome: Outcome,
  last: AttemptResult | undefined,
  cancelled: boolean,
  error: ThroughlineError | undefined,
): void {
  outcome.cancelled = cancelled;
  if (error !== undefined && !cancelled) outcome.error = create(ErrorSchema, toWireError(error));
  if (last === undefined) return;
  outcome.firstByte = last.began;
  outcome.timings = create(TimingsSchema, {
    upstreamSentUs: BigInt(last.timings.sentUs),
    upstreamFirstByteUs: BigInt(last.timings.firstByteUs),
    upstreamLastByteUs: BigInt(last.timings.lastByteUs),
    upstreamChunks: last.timings.chunks,
  });
  if (last.facts !== undefined) {
    outcome.usage = create(UsageSchema, last.facts.usage);
    outcome.finishReason = last.facts.finishReason;
    outcome.messageId = last.facts.messageId;
    outcome.responseModel = last.facts.responseModel;
  }
  if (last.document !== undefined) {
    outcome.response = last.document.body;
    outcome.responseTruncated = last.document.truncated;
  }
}
