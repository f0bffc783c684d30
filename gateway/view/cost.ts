import type { Settlement } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { formatUsd } from "../../shared/money.ts";

/** What a request costs, as its client is told: the charge that stands in the ledger, never an estimate. */
export interface Cost {
  /** In US dollars, exact. */
  readonly billed_usd: string;
  /** Why this much, in the ledger's words, e.g. "usage". */
  readonly billing_reason: string;
}

/** Reads a settlement. */
export function costOf({ billedNanoUsd, reason }: Pick<Settlement, "billedNanoUsd" | "reason">): Cost {
  return { billed_usd: formatUsd(billedNanoUsd), billing_reason: reason };
}
