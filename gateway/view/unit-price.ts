import { create } from "@bufbuild/protobuf";
import {
  type Pricing,
  PricingSchema,
  Unit,
  type Usage,
  UsageSchema,
} from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Record as HistoryRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { rateOf } from "../../shared/money/prices.ts";
import { inputTokensOf, type Quantity } from "../../shared/money/usage.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { type UnitEntry, unitEntry } from "../../shared/units.ts";
import { knownQuantities } from "./quantities.ts";

/** What the history document says of a price: two sides, each with how much there was and what it costs in USD. */
interface UnitPrice {
  readonly input_per_price: number;
  readonly output_per_price: number;
  readonly output_token: number;
  readonly input_token: number;
}

/**
 * The price of a record in the words of the history document, which knows tokens only. Tokens of all kinds are those of the
 * input and of the output, with the price of a million of them that held. Where there are none, `output_token` is the number of
 * the main unit (one image, 90,000 ms of audio), and `output_per_price` its price for its divisor (an image, a second).
 */
export function unitPrice(record: Pick<HistoryRecord, "usage" | "pricing" | "billedNanoUsd">): UnitPrice {
  const usage = record.usage === undefined ? noUsage : withoutUnknown(record.usage);
  const pricing = record.pricing ?? noPricing;
  const quantities = knownQuantities(usage);
  const tokens = quantities.filter(({ unit }) => isToken(unitEntry(unit)));
  const priceOf = (unit: Unit): number => dollars(rateOf(pricing, unit, inputTokensOf(usage), usage.traits));
  if (tokens.length === 0) {
    const main = mainOf(quantities, usage, record, pricing);
    if (main !== undefined) {
      return { ...noTokens, output_per_price: priceOf(main.unit), output_token: Number(main.amount) };
    }
  }
  const [input, output] = [tokens.filter(isInput), tokens.filter((quantity) => !isInput(quantity))];
  return {
    input_per_price: priceOf(unitOfSide(input, Unit.INPUT_TOKENS)),
    output_per_price: priceOf(unitOfSide(output, Unit.OUTPUT_TOKENS)),
    output_token: Number(sumOf(output)),
    input_token: Number(sumOf(input)),
  };
}

const noUsage: Usage = create(UsageSchema);
const noPricing: Pricing = create(PricingSchema);
const noTokens = { input_per_price: 0, output_per_price: 0, output_token: 0, input_token: 0 };

/** A newer program may have written units that this one does not know. */
function withoutUnknown(usage: Usage): Usage {
  if (usage.more.length === 0) return usage;
  const names = new Set(knownQuantities(usage).map(({ unit }) => unit));
  return { ...usage, more: usage.more.filter(({ unit }) => names.has(unit)) };
}

function isToken({ name }: UnitEntry): boolean {
  return name.endsWith("_tokens");
}

function isInput({ unit }: Quantity): boolean {
  return unitEntry(unit).isInput === true;
}

/** The unit whose price stands for a side: of text wherever there was some, else of what there was most of. */
function unitOfSide(side: readonly Quantity[], text: Unit): Unit {
  if (side.length === 0 || side.some(({ unit }) => unitEntry(unit).part !== undefined)) return text;
  return most(side, ({ amount }) => amount)?.unit ?? text;
}

/**
 * The unit other than tokens that costs most. The upstream's own cost counts only where there is no other unit, and the request
 * itself only where nothing else can have been charged. Undefined: there is none.
 */
function mainOf(
  quantities: readonly Quantity[],
  usage: Usage,
  { billedNanoUsd }: Pick<HistoryRecord, "billedNanoUsd">,
  pricing: Pricing,
): Quantity | undefined {
  const things = quantities.filter(({ unit }) => unit !== Unit.VENDOR_NANO_USD);
  const cost = ({ unit, amount }: Quantity): bigint =>
    (amount * rateOf(pricing, unit, inputTokensOf(usage), usage.traits)) / unitEntry(unit).divisor;
  const main = most(things, cost) ?? quantities[0];
  if (main !== undefined) return main;
  return billedNanoUsd > 0n ? { unit: Unit.REQUESTS, amount: 1n } : undefined;
}

/** The first of those with the highest value. */
function most(quantities: readonly Quantity[], weigh: (quantity: Quantity) => bigint): Quantity | undefined {
  let best: Quantity | undefined;
  for (const quantity of quantities) {
    if (best === undefined || weigh(quantity) > weigh(best)) best = quantity;
  }
  return best;
}

function sumOf(quantities: readonly Quantity[]): bigint {
  return quantities.reduce((sum, { amount }) => sum + amount, 0n);
}

function dollars(nanoUsd: bigint): number {
  return Number(formatUsd(nanoUsd));
}
