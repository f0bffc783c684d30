import { create } from "@bufbuild/protobuf";
import {
  type LedgerEntry,
  LedgerEntrySchema,
  type LedgerKind,
  SettleFactsSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import {
  type PriceSource,
  type Pricing,
  PricingSchema,
  type Usage,
  UsageSchema,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { moduleOf } from "../../../shared/modules.ts";
import { priceParts, usageParts } from "../db/columns.ts";
import type { LedgerRow } from "../db/credit.ts";
import type { LedgerEntryRow, LedgerPosition } from "../db/ledger.ts";
import { ledgerKinds } from "../domain/settlement.ts";
import { toQuantities, toRates } from "../domain/vectors.ts";
import { invalid } from "./invalid.ts";

/** An entry of the ledger without what a request's entry has beside. */
export function toCreditEntry(row: LedgerRow): LedgerEntry {
  return create(LedgerEntrySchema, {
    entryId: row.entry_id,
    kind: row.kind as LedgerKind,
    accountId: row.account_id,
    amountNanoUsd: row.amount,
    actor: row.actor ?? "gateway",
    reason: row.reason,
    reference: row.reference ?? "",
    createdUnixUs: BigInt(row.created_at.getTime()) * 1_000n,
  });
}

/** An entry of the ledger with all that it says. */
export function toEntry(row: LedgerEntryRow): LedgerEntry {
  const entry = toCreditEntry(row);
  entry.createdUnixUs = row.created_us;
  if (row.kind !== ledgerKinds.charge && row.kind !== ledgerKinds.release) return entry;
  entry.reservedNanoUsd = row.reserved;
  entry.facts = create(SettleFactsSchema, {
    keyId: row.key_id ?? 0n,
    userId: row.user_id ?? "",
    module: moduleOf(row.module ?? ""),
    model: row.model ?? "",
    channel: row.channel ?? "",
    platform: row.platform ?? "",
    errorCode: row.error_code ?? "",
    group: row.group_name ?? "",
    dialect: row.dialect ?? "",
    endUser: row.end_user ?? row.user_id ?? "",
    tags: [...(row.tags ?? [])],
  });
  entry.usage = toUsage(row);
  if (row.list_price !== null) entry.listPriceNanoUsd = row.list_price;
  if (row.tariff_id !== null) entry.pricing = toPricing(row);
  return entry;
}

/** What an entry's request consumed. */
export function toUsage(row: LedgerEntryRow): Usage {
  const usage = create(UsageSchema, {
    estimated: row.estimated,
    more: toQuantities(row.more),
    traits: { ...row.traits },
  });
  for (const { part, column } of usageParts) usage[part] = row[column] ?? 0n;
  return usage;
}

/** The prices of an entry's tariff. */
export function toPricing(row: LedgerEntryRow): Pricing {
  const pricing = create(PricingSchema, {
    strategy: row.strategy ?? "",
    groupRatioPpm: Number(row.group_ratio_ppm ?? 0n),
    source: (row.price_source ?? 0) as PriceSource,
    rates: toRates(row.rates),
  });
  for (const { part, column } of priceParts) pricing[part] = row[column] ?? 0n;
  return pricing;
}

/** The cursor of the page after this entry: opaque to clients, since its shape may change. */
export function toCursor(row: LedgerEntryRow, order: LedgerPosition["order"]): string {
  const text = order === "account" ? `a.${row.created_us}.${row.seq}` : `e.${row.entry_id}.${row.kind}`;
  return Buffer.from(text).toString("base64url");
}

const cursorForm = /^([ae])\.(\d{1,19})\.(\d{1,19})$/;

/** Where a cursor points; undefined for none. Throws invalid_value for one that is not ours or of another listing. */
export function fromCursor(cursor: string, order: LedgerPosition["order"]): LedgerPosition | undefined {
  if (cursor === "") return undefined;
  const [, kind, first = "", second = ""] = cursorForm.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (kind === "a" && order === "account") return { order, createdUs: toInt64(first), seq: toInt64(second) };
  if (kind === "e" && order === "all" && Number(second) < 100) {
    return { order, entryId: toInt64(first), kind: Number(second) };
  }
  throw invalid("cursor", "must be a next_cursor of the same listing");
}

function toInt64(digits: string): bigint {
  const value = BigInt(digits);
  if (BigInt.asIntN(64, value) !== value) throw invalid("cursor", "must be a next_cursor of the same listing");
  return value;
}
