import { operationOf, outputTypeOf } from "../../modules.ts";
import { type BillableUsage, inputTokensOf, outputTokensOf } from "../../money.ts";
import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import type { ServedCall } from "./call.ts";

export interface AttemptStart {
  /** The attempt's own ID (`platform_id`). */
  attemptId: bigint;
  /** 1 for the first candidate. */
  attempt: number;
  channel: string;
  /** Vendor as the GenAI conventions name it (gen_ai.provider.name), e.g. "aws.bedrock"; the adapter knows. */
  provider: string;
  /** chat, embeddings, image, video, audio, rerank, moderation. */
  module: string;
  /** Model as sent upstream. */
  model: string;
  stream: boolean;
  /** Host and port of the upstream: spans are for operators only. */
  serverAddress?: string | undefined;
  serverPort?: number | undefined;
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  topP?: number | undefined;
}

export interface AttemptEnd {
  httpStatus?: number | undefined;
  /** The upstream's request ID. */
  upstreamRequestId?: string | undefined;
  /** ID in the answer's body. */
  responseId?: string | undefined;
  /** Model as the upstream names it in its answer. */
  responseModel?: string | undefined;
  finishReason?: string | undefined;
  /** From sending to the first chunk. */
  firstChunkMs?: number | undefined;
  /** Left out if the upstream gave none: usage is never invented here. */
  usage?: BillableUsage | undefined;
  /** Kind of the fault below HTTP, e.g. "tls". */
  fault?: string | undefined;
  /** Its code, e.g. "CERT_HAS_EXPIRED". */
  faultCode?: string | undefined;
  /** The request went out a second time, over a new connection. */
  resent?: boolean | undefined;
}

export interface AttemptFailure extends AttemptEnd {
  /** error.type: the HTTP status if there was one, else a code of the catalogue. */
  code: string;
  /** For operators; scrubbed of keys. */
  message?: string | undefined;
}

/** What the provider does, as spans. */
export interface ProviderSpans {
  /** One try of one candidate: a GenAI client span. Its traceparent goes upstream; baggage never does. */
  upstreamAttempt(call: ServedCall, start: AttemptStart): Span;
  /** The upstream answered to the end; ends the span. */
  answered(span: Span, end: AttemptEnd): void;
  /** The attempt failed; ends the span. */
  failed(span: Span, failure: AttemptFailure): void;
  /** The client left and the attempt was given up: not an error of the upstream's; ends the span. */
  cancelled(span: Span, end: AttemptEnd): void;
}

export function providerSpans(tracing: Tracing): ProviderSpans {
  return {
    upstreamAttempt({ requestId, traceparent }, start) {
      const operation = operationOf(start.module);
      return tracing.startChild(`${operation} ${start.model}`, {
        parent: traceparent,
        requestId,
        kind: "client",
        attrs: () => ({
          [attribute.operation]: operation,
          [attribute.provider]: start.provider,
          [attribute.requestModel]: start.model,
          [attribute.requestStream]: start.stream,
          [attribute.requestMaxTokens]: start.maxTokens,
          [attribute.requestTemperature]: start.temperature,
          [attribute.requestTopP]: start.topP,
          [attribute.outputType]: outputTypeOf(start.module),
          [attribute.serverAddress]: start.serverAddress,
          [attribute.serverPort]: start.serverPort,
          [attribute.channel]: start.channel,
          [attribute.attempt]: start.attempt,
          [attribute.attemptId]: start.attemptId.toString(),
        }),
      });
    },
    answered(span, end) {
      setEnd(span, end);
      span.end();
    },
    failed(span, failure) {
      setEnd(span, failure);
      span.fail(failure.code, failure.message);
      span.end();
    },
    cancelled(span, end) {
      setEnd(span, end);
      span.set({ [attribute.cancelled]: true });
      span.end();
    },
  };
}

function setEnd(span: Span, end: AttemptEnd): void {
  if (!span.recording) return;
  span.set({
    [attribute.httpStatus]: end.httpStatus,
    [attribute.upstreamRequestId]: end.upstreamRequestId,
    [attribute.responseId]: end.responseId,
    [attribute.responseModel]: end.responseModel,
    [attribute.finishReasons]: end.finishReason === undefined ? undefined : [end.finishReason],
    [attribute.fault]: end.fault,
    [attribute.faultCode]: end.faultCode,
    [attribute.resent]: end.resent,
    [attribute.timeToFirstChunk]: end.firstChunkMs === undefined ? undefined : end.firstChunkMs / 1000,
  });
  if (end.usage !== undefined) span.set(usageAttributes(end.usage));
}

/** Input includes cached tokens and output includes reasoning by the conventions; our parts do not overlap. */
function usageAttributes(usage: BillableUsage): Record<string, number | undefined> {
  return {
    [attribute.inputTokens]: Number(inputTokensOf(usage)),
    [attribute.outputTokens]: Number(outputTokensOf(usage)),
    [attribute.cacheReadTokens]: positive(usage.cachedInputTokens),
    [attribute.cacheWriteTokens]: positive(usage.cacheWriteTokens),
    [attribute.reasoningTokens]: positive(usage.reasoningTokens),
  };
}

function positive(count: bigint): number | undefined {
  return count > 0n ? Number(count) : undefined;
}
