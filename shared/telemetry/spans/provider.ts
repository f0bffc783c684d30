import { isErrorCode, isFault } from "../../errors/catalogue.ts";
import { operationOf, outputTypeOf } from "../../modules.ts";
import { type BillableUsage, inputTokensOf, outputTokensOf } from "../../money/usage.ts";
import { attribute } from "../attributes.ts";
import type { Span, SpanAttributes } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import { type ServedCall, startCall } from "./call.ts";

/** What the span of an attempt is begun with. */
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
  /** gen_ai.output.type where it is another than that of the module. */
  outputType?: string | undefined;
  /** Host and port of the upstream: spans are for operators only. */
  serverAddress?: string | undefined;
  serverPort?: number | undefined;
  /** What the client asked of the model; asked for only where it is recorded. */
  parameters: () => AskedParameters;
}

/** What a client asked of a model beside its input. */
export interface AskedParameters {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly maxTokens?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly seed?: number;
  /** Answers wanted. */
  readonly choices?: number;
  /** Numbers in a vector of an embedding. */
  readonly dimensions?: number;
  readonly stopSequences?: readonly string[];
  readonly encodingFormats?: readonly string[];
  /** It asked for JSON. */
  readonly json?: true;
}

/** What the span of an attempt is ended with. */
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

/** What the span of an attempt that failed is ended with. */
export interface AttemptFailure extends AttemptEnd {
  /** error.type: the HTTP status if there was one, else a code of the catalogue. */
  code: string;
  /** For operators; scrubbed of keys. */
  message?: string | undefined;
}

/** What the provider does, as spans. */
export interface ProviderSpans {
  /** The provider carries a request out: its attempts are below this span. */
  invoke(call: ServedCall): Span;
  /** A candidate was tried in vain, and another one, or another credential, follows. */
  retried(span: Span, failed: { attempt: number; channel: string; code: string }): void;
  /** The first content of the answer goes to the client. */
  began(span: Span): void;
  /** One try of one candidate: a GenAI client span. Its traceparent goes upstream; baggage never does. */
  upstreamAttempt(call: ServedCall, start: AttemptStart): Span;
  /** The upstream answered to the end; ends the span. */
  answered(span: Span, end: AttemptEnd): void;
  /** The attempt failed; ends the span, and marks it where that was not the client's mistake. */
  failed(span: Span, failure: AttemptFailure): void;
  /** The client left and the attempt was given up: not an error of the upstream's; ends the span. */
  cancelled(span: Span, end: AttemptEnd): void;
}

/** Creates the spans of the provider: a function for each event of its work. */
export function providerSpans(tracing: Tracing): ProviderSpans {
  return {
    invoke: (call) => startCall(tracing, "throughline.provider.v1.ProviderService/Invoke", call, "server"),
    retried(span, { attempt, channel, code }) {
      if (!span.recording) return;
      span.event("throughline.retry", {
        [attribute.attempt]: attempt,
        [attribute.channel]: channel,
        [attribute.errorType]: code,
      });
    },
    began: (span) => span.event("throughline.first_content"),
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
          // The conventions want it if and only if the answer is streamed.
          [attribute.requestStream]: start.stream ? true : undefined,
          [attribute.outputType]: start.outputType ?? outputTypeOf(start.module),
          ...parameterAttributes(start.parameters()),
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
      // A mistake of the client is no fault of an upstream, and no reason to keep a trace.
      if (isErrorCode(failure.code) && !isFault(failure.code)) span.set({ [attribute.errorCode]: failure.code });
      else span.fail(failure.code, failure.message);
      span.end();
    },
    cancelled(span, end) {
      setEnd(span, end);
      span.set({ [attribute.cancelled]: true });
      span.end();
    },
  };
}

function parameterAttributes(asked: AskedParameters): SpanAttributes {
  return {
    [attribute.requestTemperature]: asked.temperature,
    [attribute.requestTopP]: asked.topP,
    [attribute.requestTopK]: asked.topK,
    [attribute.requestMaxTokens]: asked.maxTokens,
    [attribute.requestFrequencyPenalty]: asked.frequencyPenalty,
    [attribute.requestPresencePenalty]: asked.presencePenalty,
    [attribute.requestSeed]: asked.seed,
    // The conventions leave out what is usual.
    [attribute.requestChoices]: asked.choices === 1 ? undefined : asked.choices,
    [attribute.embeddingDimensions]: asked.dimensions,
    [attribute.requestStopSequences]: asked.stopSequences,
    [attribute.encodingFormats]: asked.encodingFormats,
    ...(asked.json ? { [attribute.outputType]: "json" } : {}),
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
