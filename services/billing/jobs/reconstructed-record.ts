import type { MessageInitShape } from "@bufbuild/protobuf";
import { catalogue } from "../../../shared/errors/catalogue.ts";
import { type RecordSchema, RecordStatus } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { moduleOf } from "../../../shared/modules.ts";
import { toParts } from "../../../shared/request-id.ts";
import type { EndedRow } from "../db/reconcile.ts";
import { decisiveEntry, endingOf } from "../domain/reconstruction.ts";
import { keyKinds } from "../domain/secret.ts";
import { toPricing, toUsage } from "../wire/ledger-entry.ts";

/** The record of a request, made from its entries in the ledger; undefined where there are none. */
export function reconstructedRecord(entries: readonly EndedRow[]): MessageInitShape<typeof RecordSchema> | undefined {
  const row = decisiveEntry(entries);
  if (row === undefined) return undefined;
  const { succeeded, errorCode } = endingOf(row);
  const model = row.model ?? "";
  return {
    requestId: row.entry_id,
    accountId: row.account_id,
    keyId: row.key_id ?? 0n,
    userId: row.user_id ?? "",
    endUser: row.end_user ?? row.user_id ?? "",
    tags: [...(row.tags ?? [])],
    fromAppserver: row.key_kind === keyKinds.server,
    status: succeeded ? RecordStatus.SUCCEEDED : RecordStatus.FAILED,
    reconstructed: true,
    module: moduleOf(row.module ?? ""),
    model,
    requestedModel: model,
    platform: row.platform ?? "",
    channel: row.channel ?? "",
    strategy: row.strategy ?? "",
    dialect: row.dialect ?? "",
    httpStatus: errorCode === undefined ? 200 : catalogue[errorCode].httpStatus,
    errorCode: errorCode ?? "",
    errorMessage: errorCode === undefined ? "" : catalogue[errorCode].meaning,
    createdUnixUs: BigInt(toParts(row.entry_id).unixMs) * 1_000n,
    updatedUnixUs: row.created_us,
    usage: toUsage(row),
    ...(row.tariff_id === null ? {} : { pricing: toPricing(row) }),
    reservedNanoUsd: entries.find((entry) => entry.reserved > 0n)?.reserved ?? 0n,
    billedNanoUsd: -row.amount,
    billingReason: row.reason,
  };
}
