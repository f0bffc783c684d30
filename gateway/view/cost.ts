import type { Settlement } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { formatUsd } from "../../shared/money/usd.ts";

/** What a request costs, as its client is told: the charge that stands in the ledger, never an estimate. */
export interface Cost {
  /** In US dollars, exact. */
  readonly billed_usd: string;
  /** Why this much, in the ledger's words, e.g. "usage". */
  readonly billing_reason: string;
  /** What the same usage costs by the vendor's list; null: not known. */
  readonly list_price_usd: string | null;
}

/** Reads a settlement. */
export function costOf({ billedNanoUsd, reason, listPriceNanoUsd }: Settled): Cost {
  return { billed_usd: formatUsd(billedNanoUsd), billing_reason: reason, list_price_usd: usdOrNull(listPriceNanoUsd) };
}

/** What of a settlement tells the cost. */
export type Settled = Pick<Settlement, "billedNanoUsd" | "reason" | "listPriceNanoUsd">;

/** An amount that may not be known. */
export function usdOrNull(nanoUsd: bigint | undefined): string | null {
  return nanoUsd === undefined ? null : formatUsd(nanoUsd);
}
