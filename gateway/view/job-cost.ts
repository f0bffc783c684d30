import { type LedgerEntry, LedgerKind } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { type Cost, costOf } from "./cost.ts";

/** What is told of the cost of a job; nulls: it is not settled yet. */
export type JobCost = { readonly [K in keyof Cost]: Cost[K] | null };

/** The cost of a job that is not settled yet. */
export const notSettled: JobCost = { billed_usd: null, billing_reason: null, list_price_usd: null };

/** The entry by which a request was charged: a charge may follow the release of a reservation that ran out. Undefined: it is not settled yet. */
export function endingEntry(entries: readonly LedgerEntry[]): LedgerEntry | undefined {
  return entries.find(({ kind }) => kind === LedgerKind.CHARGE) ?? entries[0];
}

/** The cost of a request by its entry in the ledger. */
export function entryCost({ amountNanoUsd, reason, listPriceNanoUsd }: LedgerEntry): Cost {
  const list = listPriceNanoUsd === undefined ? {} : { listPriceNanoUsd };
  return costOf({ billedNanoUsd: -amountNanoUsd, reason, ...list });
}
