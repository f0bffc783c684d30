import { catalogue, isErrorCode } from "../../shared/errors/catalogue.ts";
import type { Origin, Usage } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Record as HistoryRecord, StoredRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Attempt } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { formatRequestId, traceIdOf } from "../../shared/request-id.ts";
import type { GatewayConfig } from "../config.ts";
import { billOf } from "./bill.ts";
import {
  customResponse,
  errorCodeOf,
  groupRatio,
  isoMicroseconds,
  policyName,
  priceSourceName,
  recordOf,
  responseText,
  statusName,
} from "./history-item.ts";
import { quantitiesOut, ratesOut } from "./quantities.ts";

/** What a request was and became, in a row: without the details that are kept with its payload. */
export function requestRow(stored: StoredRecord, config: Pick<GatewayConfig, "idStyle">) {
  const record = recordOf(stored);
  return {
    id: formatRequestId(record.requestId, config.idStyle),
    status: statusName[record.status] ?? "pending",
    module: moduleNameOf(record.module),
    dialect: record.dialect,
    stream: record.stream,
    model: orNull(record.model),
    requested_model: record.requestedModel,
    platform: orNull(record.platform),
    channel: orNull(record.channel),
    strategy: orNull(record.strategy),
    account_id: record.accountId.toString(),
    key_id: record.keyId.toString(),
    user_id: orNull(record.userId),
    /** For whom it was: whose the key is, or whom the request names. */
    end_user: orNull(record.endUser),
    tags: record.tags,
    http_status: record.httpStatus || null,
    error: failureOf(record),
    created_time: isoMicroseconds(record.createdUnixUs),
    updated_time: isoMicroseconds(record.updatedUnixUs),
    duration_ms: milliseconds(record.durationUs),
    first_byte_ms: record.firstByteUs === 0n ? null : milliseconds(record.firstByteUs),
    usage: record.usage === undefined ? null : usageOf(record.usage),
    billing: {
      reserved_usd: formatUsd(record.reservedNanoUsd),
      billed_usd: formatUsd(record.billedNanoUsd),
      reason: orNull(record.billingReason),
      policy: policyName[record.policy] ?? "charge_delivered",
      price_source: record.pricing === undefined ? null : (priceSourceName[record.pricing.source] ?? null),
      /** The price list that it was charged by, before the group's ratio. */
      rates: record.pricing === undefined ? [] : ratesOut(record.pricing),
      group_ratio: record.pricing === undefined ? null : groupRatio(record.pricing),
    },
    reconstructed: record.reconstructed,
    repaired: stored.repaired,
    payload_expired: stored.payloadExpired,
  };
}

/** The life of one request: what it was, which way it went, every attempt, the money, the timeline, the trace. */
export function requestLife(stored: StoredRecord, config: Pick<GatewayConfig, "idStyle" | "traceUiUrl">) {
  const record = recordOf(stored);
  const { detail } = record;
  const row = requestRow(stored, config);
  return {
    object: "request",
    ...row,
    billing: { ...row.billing, ...billOf(record) },
    response_model: orNull(detail?.responseModel),
    message_id: orNull(record.messageId),
    upstream_request_id: orNull(record.upstreamRequestId),
    client_request_id: orNull(detail?.clientRequestId),
    finish_reason: orNull(detail?.finishReason),
    origin: originOut(detail?.origin),
    metadata: metadataOf(detail?.origin),
    route: (detail?.reasons ?? []).map(({ channel, reason, chosen }) => ({ channel, chosen, reason })),
    attempts: (detail?.attempts ?? []).map(attemptOf),
    timeline: (detail?.timeline ?? []).map(({ name, atUs }) => ({ name, at_ms: milliseconds(atUs) })),
    trace: traceOf(detail?.traceId || traceIdOf(record.requestId), detail?.traceDropped ?? false, config.traceUiUrl),
    notes: detail?.notes ?? [],
  };
}

/** A request's life and what it answered. */
export function requestWithResponse(stored: StoredRecord, config: Pick<GatewayConfig, "idStyle" | "traceUiUrl">) {
  const record = recordOf(stored);
  return {
    ...requestLife(stored, config),
    response: responseText(record),
    response_truncated: record.responseTruncated,
    custom_response: customResponse(stored),
  };
}

/** Where a request came from; null: its record does not say, or no longer. */
function originOut(origin: Origin | undefined) {
  if (origin === undefined) return null;
  return {
    path: orNull(origin.path),
    user_agent: orNull(origin.userAgent),
    address: orNull(origin.address),
    request_bytes: origin.requestBytes === 0n ? null : Number(origin.requestBytes),
    idempotency_key: orNull(origin.idempotencyKey),
    /** Trace ID of the client's traceparent, where the request has another one. */
    client_trace_id: orNull(origin.clientTraceId),
    /** The client's x-client-request-id, where it sent an x-request-id as well. */
    second_client_request_id: orNull(origin.secondClientRequestId),
  };
}

/** What the request said of itself; null: nothing. */
function metadataOf(origin: Origin | undefined): Record<string, unknown> | null {
  if (origin === undefined || origin.metadataJson === "") return null;
  return JSON.parse(origin.metadataJson) as Record<string, unknown>;
}

function failureOf({ errorCode, errorMessage }: HistoryRecord) {
  const code = errorCodeOf(errorCode);
  if (code === null) return null;
  return {
    type: isErrorCode(errorCode) ? catalogue[errorCode].type : ("api_error" as const),
    code,
    message: errorMessage,
  };
}

function attemptOf(attempt: Attempt) {
  return {
    id: attempt.attemptId.toString(),
    channel: attempt.channel,
    platform: attempt.platform,
    upstream_model: attempt.upstreamModel,
    upstream_request_id: orNull(attempt.upstreamRequestId),
    http_status: attempt.httpStatus || null,
    error: attemptError(attempt),
    fault: attempt.fault === "" ? null : { kind: attempt.fault, code: orNull(attempt.faultCode) },
    resent: attempt.resent,
    start_ms: milliseconds(attempt.startUs),
    head_ms: attempt.headUs === 0n ? null : milliseconds(attempt.headUs),
    end_ms: milliseconds(attempt.endUs),
  };
}

function attemptError({ errorCode, errorMessage: message }: Attempt) {
  const code = errorCodeOf(errorCode);
  return code === null ? null : { code, message };
}

/** What a request consumed: what usages always say, then of every unit of which there was some. */
export function usageOf(usage: Usage) {
  return {
    input_tokens: Number(usage.inputTokens),
    cached_input_tokens: Number(usage.cachedInputTokens),
    cache_write_tokens: Number(usage.cacheWriteTokens),
    output_tokens: Number(usage.outputTokens),
    reasoning_tokens: Number(usage.reasoningTokens),
    images: Number(usage.images),
    audio_ms: Number(usage.audioMs),
    characters: Number(usage.characters),
    estimated: usage.estimated,
    quantities: quantitiesOut(usage),
    traits: { ...usage.traits },
  };
}

/** The trace, and where to see it when the deployment says where traces are shown. One that is not kept has no address. */
function traceOf(id: string, isDropped: boolean, uiUrl: string | undefined) {
  const url = isDropped || uiUrl === undefined ? null : uiUrl.replaceAll("{trace_id}", id);
  return { id, sampled: !isDropped, url };
}

function milliseconds(us: bigint): number {
  return Number(us) / 1_000;
}

function orNull(text: string | undefined): string | null {
  return text || null;
}
