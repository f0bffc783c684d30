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
  { terms, expired, detail }: { terms: Terms; expired: boolean; detail: boolean },
): StoredRecord {
  const shape = terms.shapeOf(row.shape_id) ?? emptyShape;
  const outcome = terms.outcomeOf(row.outcome_id) ?? emptyOutcome;
  // Field by field: `create` with an initializer costs four times as much, and a page has a thousand of them.
  const record = create(RecordSchema);
  record.requestId = row.request_id;
  record.accountId = row.account_id;
  record.keyId = row.key_id;
  record.userId = row.user_id ?? "";
  record.fromAppserver = hasFlag(row.flags, "fromAppserver");
  record.status = row.status as RecordStatus;
  record.reconstructed = hasFlag(row.flags, "reconstructed");
  record.module = shape.module as Module;
  record.model = shape.model;
  record.requestedModel = row.requested_model ?? shape.model;
  record.platform = shape.platform;
  record.channel = shape.channel;
  record.strategy = shape.strategy;
  record.dialect = shape.dialect;
  record.stream = hasFlag(row.flags, "stream");
  record.attemptId = row.attempt_id ?? 0n;
  record.httpStatus = outcome.http;
  record.errorCode = outcome.error;
  record.errorMessage = row.error_message ?? "";
  record.createdUnixUs = createdUnixUs(row.request_id, row.created_us);
  record.updatedUnixUs = row.updated_us;
  record.usage = usageOf(row);
  record.reservedNanoUsd = row.reserved_nano_usd ?? 0n;
  record.billedNanoUsd = row.billed_nano_usd ?? 0n;
  record.billingReason = outcome.reason;
  record.policy = shape.policy as DisconnectPolicy;
  record.durationUs = row.duration_us ?? 0n;
  record.firstByteUs = row.first_byte_us ?? 0n;
  record.responseTruncated = hasFlag(row.flags, "truncated");
  record.storeResponse = shape.store as StoreResponse;
  const pricing = fromPrices(shape.prices);
  if (pricing !== undefined) {
    record.pricing = create(PricingSchema, { ...pricing, source: pricing.source as PriceSource });
  }
  if (payload !== undefined) {
    record.response = payload.response;
    record.messageId = payload.messageId;
    record.upstreamRequestId = payload.upstreamRequestId;
    if (detail) record.detail = fromBinary(DetailSchema, payload.detail);
  }
  const stored = create(StoredRecordSchema);
  stored.record = record;
  stored.customResponseJson = payload?.customResponseJson ?? "";
  stored.repaired = hasFlag(row.flags, "repaired");
  stored.payloadExpired = expired;
  return stored;
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
  const usage = create(UsageSchema);
  usage.inputTokens = row.input_tokens ?? 0n;
  usage.outputTokens = row.output_tokens ?? 0n;
  usage.cachedInputTokens = row.cached_input_tokens ?? 0n;
  usage.cacheWriteTokens = row.cache_write_tokens ?? 0n;
  usage.reasoningTokens = row.reasoning_tokens ?? 0n;
  usage.images = row.images ?? 0n;
  usage.audioMs = row.audio_ms ?? 0n;
  usage.characters = row.characters ?? 0n;
  usage.estimated = hasFlag(row.flags, "estimated");
  return usage;
}
