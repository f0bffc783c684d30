import type { Batch } from "../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { formatUsd } from "../../shared/money/usd.ts";

/** What the lines of a batch that have ended cost together. */
export interface BatchCostOut {
  /** In US dollars, exact; null: not known, for some of them ended before batches knew it. */
  readonly billed_usd: string | null;
  /** What they cost by the vendors' lists, as far as that is known; null: of none. */
  readonly list_price_usd: string | null;
  /** How many lines have a known list price. */
  readonly listed_lines: number;
}

/** Reads the cost of a batch. */
export function batchCostOf({ cost }: Pick<Batch, "cost">): BatchCostOut {
  if (cost === undefined) return { billed_usd: null, list_price_usd: null, listed_lines: 0 };
  const { billedNanoUsd, listPriceNanoUsd, listedLines } = cost;
  return {
    billed_usd: formatUsd(billedNanoUsd),
    list_price_usd: listedLines === 0 ? null : formatUsd(listPriceNanoUsd),
    listed_lines: listedLines,
  };
}
