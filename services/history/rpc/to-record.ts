import { create, fromBinary } from "@bufbuild/protobuf";
import { createRecord, createUsage } from "../../../shared/gen/lane_codecs.ts";
import {
  type DisconnectPolicy,
  type Module,
  type PriceSource,
  type Pricing,
  PricingSchema,
  QuantitySchema,
  type StoreResponse,
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
import { type RecordRow, usageColumns } from "../db/record-row.ts";
import type { Terms } from "../db/terms.ts";
import { hasFlag } from "../domain/flags.ts";
import { fromStoredPrices } from "../domain/prices.ts";
import { fromStoredQuantities } from "../domain/quantities.ts";
import { emptyOutcome, emptyShape, type Shape } from "../domain/terms.ts";
import { createdUnixUs, createdWithinMs } from "../domain/times.ts";

/** Ids of the terms of a row. */
export function termsOf(row: RecordRow): number[] {
  return [row.shape_id, row.outcome_id];
}

/** A record as it is answered. `payload` is undefined where it was dropped or not asked for. */
export function toStoredRecord(
  row: RecordRow,
  payload: Payload | undefined,
  { terms, expired, detail, input = false }: { terms: Terms; expired: boolean; detail: boolean; input?: boolean },
): StoredRecord {
  const shape = terms.shapeOf(row.shape_id) ?? emptyShape;
  const outcome = terms.outcomeOf(row.outcome_id) ?? emptyOutcome;
  // The generated creator, and field by field: `create` and an initializer cost several times as much, and a page has a thousand of them.
  const record = createRecord({});
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
  const pricing = pricingOf(shape);
  if (pricing !== undefined) record.pricing = pricing;
  if (payload !== undefined) {
    record.response = payload.response;
    record.messageId = payload.messageId;
    record.upstreamRequestId = payload.upstreamRequestId;
    if (input) record.input = payload.input;
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
  record.aliases = [];
  return create(StoredRecordSchema, { record });
}

/** A shape is one object as long as the service runs, and many records have it: its prices are read once. */
const pricings = new WeakMap<Shape, Pricing>();

function pricingOf(shape: Shape): Pricing | undefined {
  const known = pricings.get(shape);
  if (known !== undefined) return known;
  const stored = fromStoredPrices(shape.prices);
  if (stored === undefined) return undefined;
  const pricing = create(PricingSchema, { ...stored, source: stored.source as PriceSource });
  pricings.set(shape, pricing);
  return pricing;
}

function usageOf(row: RecordRow) {
  const usage = createUsage({});
  for (const { column, part } of usageColumns) usage[part] = row[column] ?? 0n;
  usage.estimated = hasFlag(row.flags, "estimated");
  if (row.more !== null) {
    usage.more = fromStoredQuantities(row.more).map((quantity) => create(QuantitySchema, quantity));
  }
  if (row.traits !== null) usage.traits = { ...row.traits };
  return usage;
}
