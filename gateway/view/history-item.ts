import type { ErrorCode } from "../../shared/errors/catalogue.ts";
import { DisconnectPolicy, PriceSource, type Pricing } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type Record as HistoryRecord,
  RecordStatus,
  type StoredRecord,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { formatRequestId, type RequestIdStyle } from "../../shared/request-id.ts";
import { quantitiesOut, ratesOut } from "./quantities.ts";
import { unitPrice } from "./unit-price.ts";

/** States of requests. */
export const statusNames = ["pending", "queueing", "processing", "succeeded", "failed"] as const;
export type StatusName = (typeof statusNames)[number];

/** Status names of the history API. */
export const statusName: Readonly<Record<RecordStatus, StatusName>> = {
  [RecordStatus.UNSPECIFIED]: "pending",
  [RecordStatus.PENDING]: "pending",
  [RecordStatus.QUEUEING]: "queueing",
  [RecordStatus.PROCESSING]: "processing",
  [RecordStatus.SUCCEEDED]: "succeeded",
  [RecordStatus.FAILED]: "failed",
};

/** States by the names that filters take. */
export const statuses: Readonly<Record<string, RecordStatus>> = {
  succeeded: RecordStatus.SUCCEEDED,
  failed: RecordStatus.FAILED,
  processing: RecordStatus.PROCESSING,
  pending: RecordStatus.PENDING,
  queueing: RecordStatus.QUEUEING,
};

/** Policy names on records. */
export const policyName: Readonly<Record<DisconnectPolicy, "charge_delivered" | "drain" | "refund">> = {
  [DisconnectPolicy.UNSPECIFIED]: "charge_delivered",
  [DisconnectPolicy.CHARGE_DELIVERED]: "charge_delivered",
  [DisconnectPolicy.DRAIN]: "drain",
  [DisconnectPolicy.REFUND]: "refund",
};

/** Price source names on records. */
export const priceSourceName: Readonly<Record<PriceSource, "strategy" | "table" | "free" | null>> = {
  [PriceSource.UNSPECIFIED]: null,
  [PriceSource.STRATEGY]: "strategy",
  [PriceSource.TABLE]: "table",
  [PriceSource.FREE]: "free",
};

/**
 * One row of the history API, to the letter of its document: IDs as strings, `response` a JSON text, microsecond ISO
 * times. What is ours goes under `throughline`, so that clients of the original format are not disturbed.
 */
export function historyItem(stored: StoredRecord, style: RequestIdStyle) {
  const record = recordOf(stored);
  const { usage, pricing } = record;
  return {
    request_id: formatRequestId(record.requestId, style),
    platform_id: record.attemptId === 0n ? "" : record.attemptId.toString(),
    platform: record.platform,
    module: moduleNameOf(record.module),
    strategy: record.strategy,
    status: statusName[record.status] ?? "pending",
    response: responseText(record),
    error: record.errorMessage,
    unit_price: unitPrice(record),
    custom_response: customResponse(stored),
    created_time: isoMicroseconds(record.createdUnixUs),
    updated_time: isoMicroseconds(record.updatedUnixUs),
    throughline: {
      model: record.model,
      channel: record.channel,
      error_code: record.errorCode || null,
      http_status: record.httpStatus,
      reserved_usd: formatUsd(record.reservedNanoUsd),
      billed_usd: formatUsd(record.billedNanoUsd),
      billing_reason: record.billingReason,
      estimated: usage?.estimated ?? false,
      usage: usage === undefined ? {} : quantitiesOut(usage),
      traits: usage?.traits ?? {},
      rates: pricing === undefined ? [] : ratesOut(pricing),
      group_ratio: pricing === undefined ? null : groupRatio(pricing),
      response_truncated: record.responseTruncated,
      repaired: stored.repaired,
    },
  };
}

/**
 * The code of an error on a record; null: it has none. A newer version may have written one that this one does not know: it is
 * shown as it is.
 */
export function errorCodeOf(code: string): ErrorCode | null {
  return code === "" ? null : (code as ErrorCode);
}

/** The record of what history gave. */
export function recordOf({ record }: StoredRecord): HistoryRecord {
  if (record === undefined) throw new TypeError("a stored record without its record");
  return record;
}

/** The answer as text. */
export function responseText({ response }: HistoryRecord): string {
  return Buffer.from(response.buffer, response.byteOffset, response.length).toString();
}

/** What the strategy's expression made of the answer; null: nothing, or (in records of before) something that is no object. */
export function customResponse({ customResponseJson }: StoredRecord): object | null {
  const made: unknown = customResponseJson === "" ? null : JSON.parse(customResponseJson);
  return typeof made === "object" && !Array.isArray(made) ? made : null;
}

/** By how much the group multiplies prices. */
export function groupRatio({ groupRatioPpm }: Pricing): number {
  return groupRatioPpm / 1_000_000;
}

/** `2025-04-28T02:27:08.523175Z`; trailing zeros of the fraction left out, as the history document shows them. */
export function isoMicroseconds(unixUs: bigint): string {
  const seconds = new Date(Number(unixUs / 1_000n)).toISOString().slice(0, 19);
  const fraction = (unixUs % 1_000_000n).toString().padStart(6, "0").replace(/0+$/, "");
  return fraction === "" ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}
