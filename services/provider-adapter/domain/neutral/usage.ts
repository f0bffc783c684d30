import type { BillableUsage } from "../../../../shared/money.ts";
import { noUsage } from "../openai-usage.ts";
import type { AnswerFold } from "./fold.ts";

/**
 * What a stream consumed so far. Where the upstream only counted its beginning (the stream broke off), its count of the
 * input holds and the output is what was delivered; where it counted nothing, both are estimated.
 */
export function deliveredUsage(
  fold: AnswerFold,
  inputTokens: () => number,
): BillableUsage & { readonly estimated: boolean } {
  const usage = fold.usage();
  if (usage === undefined) {
    return {
      ...noUsage,
      inputTokens: BigInt(inputTokens()),
      outputTokens: BigInt(fold.deliveredTokens()),
      estimated: true,
    };
  }
  if (!fold.partialUsage()) return { ...usage, estimated: false };
  const counted = usage.outputTokens + usage.reasoningTokens;
  const delivered = BigInt(fold.deliveredTokens());
  return {
    ...usage,
    ...(delivered > counted ? { outputTokens: delivered, reasoningTokens: 0n } : {}),
    estimated: true,
  };
}
