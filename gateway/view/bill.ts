import type { Usage } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Record as HistoryRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { type CostLine, costLines, costNanoUsd } from "../../shared/money/cost.ts";
import { formatBillionths, formatUsd } from "../../shared/money/usd.ts";
import { type UnitName, unitEntry } from "../../shared/units.ts";
import { usdOrNull } from "./cost.ts";
import { knownQuantities } from "./quantities.ts";

/** What one unit of a request costs, before the group's ratio. */
export interface BillLine {
  readonly unit: UnitName;
  readonly amount: number;
  /** Price that held, in US dollars for `per` of the unit. */
  readonly price_usd: string;
  readonly per: number;
  /** Amount times price, exact: up to 18 decimals. */
  readonly cost_usd: string;
}

/**
 * Why a request cost what it did: what each unit costs, their sum, and what the same costs by the vendor's list. The sum times the
 * group's ratio, rounded up once to the nano-dollar, is what was billed. Without lines where nothing was charged for the usage.
 */
export function billOf({ usage, pricing, billedNanoUsd, detail }: HistoryRecord) {
  const isCharged =
    usage !== undefined && isKnown(usage) && pricing !== undefined && costNanoUsd(usage, pricing) === billedNanoUsd;
  const lines = isCharged ? costLines(usage, pricing) : [];
  return {
    lines: lines.map(lineOut),
    /** Exact sum of the lines; null: there are none. */
    sum_usd: isCharged ? formatBillionths(lines.reduce((sum, { billionths }) => sum + billionths, 0n)) : null,
    /** What the same usage costs by the vendor's list; null: not known. */
    list_price_usd: usdOrNull(detail?.listPriceNanoUsd),
  };
}

/** A newer program may have counted units that this one does not know: then it cannot tell why. */
function isKnown(usage: Usage): boolean {
  const known = new Set(knownQuantities(usage).map(({ unit }) => unit));
  return usage.more.every(({ unit }) => known.has(unit));
}

function lineOut({ unit, amount, nanoUsd, billionths }: CostLine): BillLine {
  const { name, divisor } = unitEntry(unit);
  return {
    unit: name,
    amount: Number(amount),
    price_usd: formatUsd(nanoUsd),
    per: Number(divisor),
    cost_usd: formatBillionths(billionths),
  };
}
