/**
 * Every attribute name we put on spans, in one place. GenAI names follow the semantic conventions (status: development) of
 * github.com/open-telemetry/semantic-conventions-genai; ours begin with `throughline.`.
 */
export const attribute = {
  // Ours.
  requestId: "throughline.request_id",
  attemptId: "throughline.attempt_id",
  fault: "throughline.fault",
  faultCode: "throughline.fault_code",
  resent: "throughline.resent",
  clientRequestId: "throughline.client_request_id",
  upstreamRequestId: "throughline.upstream_request_id",
  account: "throughline.account",
  keyId: "throughline.key_id",
  module: "throughline.module",
  dialect: "throughline.dialect",
  group: "throughline.group",
  channel: "throughline.channel",
  candidates: "throughline.route.candidates",
  skipped: "throughline.route.skipped",
  attempt: "throughline.attempt",
  batchSize: "throughline.batch_size",
  reservedNanoUsd: "throughline.reserved_nano_usd",
  chargedNanoUsd: "throughline.charged_nano_usd",
  settlementReason: "throughline.settlement_reason",
  recordStatus: "throughline.record_status",
  errorCode: "throughline.error_code",
  cancelled: "throughline.cancelled",
  eventType: "throughline.event.type",
  deliveryOutcome: "throughline.delivery.outcome",

  // General conventions.
  errorType: "error.type",
  httpMethod: "http.request.method",
  httpRoute: "http.route",
  httpStatus: "http.response.status_code",
  serverAddress: "server.address",
  serverPort: "server.port",

  // GenAI.
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  requestStream: "gen_ai.request.stream",
  requestMaxTokens: "gen_ai.request.max_tokens",
  requestTemperature: "gen_ai.request.temperature",
  requestTopP: "gen_ai.request.top_p",
  responseId: "gen_ai.response.id",
  responseModel: "gen_ai.response.model",
  finishReasons: "gen_ai.response.finish_reasons",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  // Input includes cached and cache-write tokens by the conventions; our Usage keeps them apart.
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheWriteTokens: "gen_ai.usage.cache_write.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  outputType: "gen_ai.output.type",
} as const;
