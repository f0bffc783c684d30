import { type BillableUsage, noUsage } from "../../../../../shared/money/usage.ts";
import type { Asked } from "../../../domain/exchange.ts";
import { tierAsked, tierUsed } from "../../../domain/service-tier.ts";
import { type FurtherCounts, toldApart, withFurther } from "./further.ts";

/**
 * What an upstream counted, each count by itself. Absent: it did not say, or what it said is no count (null, a text, a
 * fraction, less than 0, more than any answer has). Formats differ in which parts a count includes, so there is a name for
 * each meaning; a format gives those that it has.
 */
export interface UsageCounts {
  /** The whole input, cached and written tokens among it. */
  readonly input?: number | undefined;
  /** Input that was neither read from a cache nor written to one. */
  readonly fresh?: number | undefined;
  /** Input that was read from a cache. */
  readonly cached?: number | undefined;
  /** Input that was written to a cache. */
  readonly written?: number | undefined;
  /** The whole output; as a rule with the reasoning. */
  readonly output?: number | undefined;
  /** Output beside the reasoning. */
  readonly visible?: number | undefined;
  readonly reasoning?: number | undefined;
  /** Input and output together. */
  readonly total?: number | undefined;
  /** The tier of service that it says it used, in its own words. */
  readonly tier?: string | undefined;
  /** What else was counted; absent: nothing, as a rule. */
  readonly further?: FurtherCounts | undefined;
}

/** Tokens of what an answer delivered, by the platform's estimate. */
export interface Delivered {
  /** Text, refusals, calls and images. */
  readonly visible: number;
  readonly thinking: number;
}

/** What stands in for counts that an upstream did not give. Asked only where it is needed. */
export interface UsageEstimate {
  /** Tokens of the input. */
  input(): number;
  delivered(): Delivered;
  /** The request, for the tier of an answer that says none. */
  readonly asked?: Pick<Asked, "body" | "prices">;
}

/** A usage as it is charged. */
export type KnownUsage = BillableUsage & {
  /** True: at least one count is our estimate. */ readonly estimated: boolean;
};

/**
 * What is known after another usage of the same answer: it adds to what was known and takes no detail away. Counts of one
 * answer do not fall to zero, so a zero takes no count's place.
 */
function addCounts(known: UsageCounts, later: UsageCounts): UsageCounts {
  const sum = latest(known, later);
  if (known.further === undefined || later.further === undefined) return sum;
  return { ...sum, further: latest(known.further, later.further) };
}

function latest<T extends object>(known: T, later: T): T {
  const sum = { ...known };
  for (const name of Object.keys(later) as (keyof T)[]) {
    if (later[name] || sum[name] === undefined) sum[name] = later[name];
  }
  return sum;
}

/** The usages of one answer as they come. */
export interface CountSum {
  /** `partial`: the output had not come to its end. */
  add(counts: UsageCounts, partial: boolean): void;
  /** All that was said; undefined: nothing was. */
  counts(): UsageCounts | undefined;
  /** True: the beginning of the output was counted and not its end. */
  isPartial(): boolean;
}

/** Begins to gather the usages of one answer. */
export function createCountSum(): CountSum {
  let sum: UsageCounts | undefined;
  let isWhole = false;
  const outputIn = ({ output, visible }: UsageCounts) => output ?? visible;
  return {
    add(counts, partial) {
      sum = sum === undefined ? counts : addCounts(sum, counts);
      const output = outputIn(counts);
      // One that says nothing of the output, or 0 where more was counted before, is no count of its end.
      if (!partial && output !== undefined && output === outputIn(sum)) isWhole = true;
    },
    counts() {
      return sum;
    },
    isPartial() {
      return sum !== undefined && outputIn(sum) !== undefined && !isWhole;
    },
  };
}

/**
 * The usage that is charged. Counts that were read hold exactly; those that are absent, or 0 beside what was delivered, are
 * estimated.
 *
 * @param partial the upstream counted only the beginning of the output: what was delivered counts where it is more.
 */
export function usageOf(counts: UsageCounts | undefined, partial: boolean, estimate: UsageEstimate): KnownUsage {
  const plain = plainUsageOf(counts, partial, estimate);
  const usage = counts?.further === undefined ? plain : withFurther(plain, counts.further);
  const tier = counts?.tier === undefined ? tierAsked(estimate.asked) : tierUsed(counts.tier);
  return tier === undefined ? usage : { ...usage, traits: { service_tier: tier } };
}

/** The usage as if nothing were told apart in it. */
function plainUsageOf(counts: UsageCounts | undefined, partial: boolean, estimate: UsageEstimate): KnownUsage {
  const input = inputOf(counts ?? {}, estimate);
  const output = outputOf(counts ?? {}, estimate);
  const usage = {
    ...noUsage,
    inputTokens: BigInt(input.fresh),
    cachedInputTokens: BigInt(input.cached),
    cacheWriteTokens: BigInt(input.written),
    outputTokens: BigInt(output.visible),
    reasoningTokens: BigInt(output.reasoning),
  };
  if (!partial) return { ...usage, estimated: input.estimated || output.estimated };
  const { visible, thinking } = estimate.delivered();
  const delivered = visible + thinking;
  return {
    ...usage,
    ...(delivered > output.visible + output.reasoning ? { outputTokens: BigInt(delivered), reasoningTokens: 0n } : {}),
    estimated: true,
  };
}

function inputOf(counts: UsageCounts, estimate: UsageEstimate) {
  const { fresh, cached = 0, written = 0 } = counts;
  const counted = counts.input ?? (fresh === undefined ? undefined : fresh + cached + written);
  if (counted) {
    const read = Math.min(counted, cached);
    // OpenAI's cache writes are "unadjusted": cached and written together may exceed the input.
    const put = Math.min(counted - read, written);
    return { fresh: counted - read - put, cached: read, written: put, estimated: false };
  }
  // Every request has an input, so one of 0 was not counted.
  const whole = Math.max(estimate.input(), toldApart(counts.further, "input"));
  const rest = Math.max(0, whole - cached - written);
  return { fresh: rest, cached, written, estimated: counted === undefined || whole > 0 };
}

function outputOf(counts: UsageCounts, estimate: UsageEstimate) {
  const { output, visible, reasoning } = counts;
  if (output) {
    // xAI counts reasoning beside the completion (docs.x.ai, "Consumption and Rate Limits"): its total says so.
    const isBeside = Boolean(reasoning) && counts.total === (counts.input ?? 0) + output + (reasoning ?? 0);
    const thought = isBeside ? (reasoning ?? 0) : Math.min(output, reasoning ?? 0);
    return { visible: isBeside ? output : output - thought, reasoning: thought, estimated: false };
  }
  if (visible && reasoning) return { visible, reasoning, estimated: false };
  const delivered = estimate.delivered();
  const told = toldApart(counts.further, "output");
  if (output !== undefined || visible === undefined) {
    // Nothing says how much of it is reasoning: all of it is output.
    const said = Math.max(told, reasoning ? delivered.visible : delivered.visible + delivered.thinking);
    return { visible: said, reasoning: reasoning ?? 0, estimated: output === undefined || said > 0 };
  }
  const said = visible || Math.max(told, delivered.visible);
  const thought = reasoning || delivered.thinking;
  return { visible: said, reasoning: thought, estimated: said !== visible || thought !== (reasoning ?? 0) };
}
