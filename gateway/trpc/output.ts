import { AccountState, type LedgerEntry, LedgerKind } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, type Usage } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { formatRequestId, type RequestIdStyle } from "../../shared/request-id.ts";
import { usdOrNull } from "../view/cost.ts";
import { errorCodeOf, isoMicroseconds } from "../view/history-item.ts";
import { ratesOut } from "../view/quantities.ts";
import { usageOf } from "../view/request-life.ts";

/** States of accounts by name. */
export const accountStates = { active: AccountState.ACTIVE, suspended: AccountState.SUSPENDED } as const;

/** Disconnect policies by name. */
export const policies = {
  charge_delivered: DisconnectPolicy.CHARGE_DELIVERED,
  drain: DisconnectPolicy.DRAIN,
  refund: DisconnectPolicy.REFUND,
} as const;

/** What moves money. */
type LedgerKindName = "charge" | "release" | "topup" | "adjustment";

const ledgerKindName: Readonly<Record<LedgerKind, LedgerKindName>> = {
  [LedgerKind.UNSPECIFIED]: "adjustment",
  [LedgerKind.CHARGE]: "charge",
  [LedgerKind.RELEASE]: "release",
  [LedgerKind.TOPUP]: "topup",
  [LedgerKind.ADJUSTMENT]: "adjustment",
};

/** An entry of the ledger. The ID of a charge or a release is its request's, in the deployment's spelling. */
export function ledgerEntryOut(entry: LedgerEntry, style: RequestIdStyle) {
  const ofRequest = entry.kind === LedgerKind.CHARGE || entry.kind === LedgerKind.RELEASE;
  const { facts } = entry;
  return {
    entry_id: ofRequest ? formatRequestId(entry.entryId, style) : entry.entryId.toString(),
    kind: ledgerKindName[entry.kind] ?? "adjustment",
    account_id: entry.accountId.toString(),
    amount_usd: formatUsd(entry.amountNanoUsd),
    reserved_usd: formatUsd(entry.reservedNanoUsd),
    actor: entry.actor,
    reason: entry.reason,
    reference: entry.reference || null,
    request:
      facts === undefined || !ofRequest
        ? null
        : {
            key_id: facts.keyId.toString(),
            user_id: facts.userId || null,
            /** Whom the request named, or whose the key is. */
            end_user: facts.endUser || null,
            tags: facts.tags,
            module: moduleNameOf(facts.module),
            model: facts.model,
            channel: facts.channel || null,
            platform: facts.platform || null,
            error_code: errorCodeOf(facts.errorCode),
          },
    usage: usageOut(entry.usage),
    /** What the same usage costs by the vendor's list; null: not known. */
    list_price_usd: usdOrNull(entry.listPriceNanoUsd),
    /** The price list that it was charged by, before the group's ratio. */
    rates: entry.pricing === undefined ? [] : ratesOut(entry.pricing),
    created_time: isoMicroseconds(entry.createdUnixUs),
  };
}

/** What was consumed; null: not said. */
export function usageOut(usage: Usage | undefined) {
  return usage === undefined ? null : usageOf(usage);
}
