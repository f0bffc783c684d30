import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type DisconnectPolicy,
  type Module,
  type PriceSource,
  PricingSchema,
  type StoreResponse,
  UsageSchema,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  DetailSchema,
  type Record as HistoryRecord,
  RecordSchema,
  type RecordStatus,
  type StoredRecord,
  StoredRecordSchema,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Payload } from "../../../shared/gen/throughline/history/v1/payload_pb.ts";
import type { RecordRow } from "../db/record-row.ts";
import type { Terms } from "../db/terms.ts";
import { hasFlag } from "../domain/flags.ts";
import { emptyOutcome, emptyShape, fromPrices } from "../domain/terms.ts";
import { createdUnixUs, createdWithinMs } from "../domain/times.ts";

/** Ids of the terms of a row. */
export function termsOf(row: RecordRow): number[] {
  return [row.shape_id, row.outcome_id];
}

/** A record as it is answered. `payload` is undefined where it was dropped or not asked for. */
export function toStoredRecord(
  row: RecordRow,
  payload: Payload | undefined,
  { terms, expired }: { terms: Terms; expired: boolean },
): StoredRecord {
  const shape = terms.shapeOf(row.shape_id) ?? emptyShape;
  const outcome = terms.outcomeOf(row.outcome_id) ?? emptyOutcome;
  const record = create(RecordSchema, {
    requestId: row.request_id,
    accountId: row.account_id,
    keyId: row.key_id,
    userId: row.user_id ?? "",
    fromAppserver: hasFlag(row.flags, "fromAppserver"),
    status: row.status as RecordStatus,
    reconstructed: hasFlag(row.flags, "reconstructed"),
    module: shape.module as Module,
    model: shape.model,
    requestedModel: row.requested_model ?? shape.model,
    platform: shape.platform,
    channel: shape.channel,
    strategy: shape.strategy,
    dialect: shape.dialect,
    stream: hasFlag(row.flags, "stream"),
    attemptId: row.attempt_id ?? 0n,
    httpStatus: outcome.http,
    errorCode: outcome.error,
    errorMessage: row.error_message ?? "",
    createdUnixUs: createdUnixUs(row.request_id, row.created_us),
    updatedUnixUs: row.updated_us,
    usage: usageOf(row),
    reservedNanoUsd: row.reserved_nano_usd ?? 0n,
    billedNanoUsd: row.billed_nano_usd ?? 0n,
    billingReason: outcome.reason,
    policy: shape.policy as DisconnectPolicy,
    durationUs: row.duration_us ?? 0n,
    firstByteUs: row.first_byte_us ?? 0n,
    responseTruncated: hasFlag(row.flags, "truncated"),
    storeResponse: shape.store as StoreResponse,
  });
  const pricing = fromPrices(shape.prices);
  if (pricing !== undefined) {
    record.pricing = create(PricingSchema, { ...pricing, source: pricing.source as PriceSource });
  }
  if (payload !== undefined) {
    record.response = payload.response;
    record.messageId = payload.messageId;
    record.upstreamRequestId = payload.upstreamRequestId;
    record.detail = fromBinary(DetailSchema, payload.detail);
  }
  return create(StoredRecordSchema, {
    record,
    customResponseJson: payload?.customResponseJson ?? "",
    repaired: hasFlag(row.flags, "repaired"),
    payloadExpired: expired,
  });
}

/** A running record as it is answered. */
export function toRunningRecord(body: Uint8Array): StoredRecord {
  const record: HistoryRecord = fromBinary(RecordSchema, body);
  record.createdUnixUs = createdUnixUs(record.requestId, createdWithinMs(record.requestId, record.createdUnixUs));
  if (record.updatedUnixUs <= 0n) record.updatedUnixUs = record.createdUnixUs;
  if (record.detail === undefined) record.detail = fromBinary(DetailSchema, record.detailBytes);
  record.detailBytes = new Uint8Array();
  return create(StoredRecordSchema, { record });
}

function usageOf(row: RecordRow) {
  return create(UsageSchema, {
    inputTokens: row.input_tokens ?? 0n,
    outputTokens: row.output_tokens ?? 0n,
    cachedInputTokens: row.cached_input_tokens ?? 0n,
    cacheWriteTokens: row.cache_write_tokens ?? 0n,
    reasoningTokens: row.reasoning_tokens ?? 0n,
    images: row.images ?? 0n,
    audioMs: row.audio_ms ?? 0n,
    characters: row.characters ?? 0n,
    estimated: hasFlag(row.flags, "estimated"),
  });
}
