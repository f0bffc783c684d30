import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { PricingSchema, RateSchema, Unit } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../shared/money/usage.ts";
import { dearestCase } from "./worst-case.ts";

describe("the dearest case", () => {
  const prices = (input: bigint, output: bigint, reasoning: bigint) => ({
    pricing: create(PricingSchema, {
      inputNanoUsdPerMtok: input * 1_000_000n,
      outputNanoUsdPerMtok: output * 1_000_000n,
      reasoningNanoUsdPerMtok: reasoning * 1_000_000n,
      groupRatioPpm: 1_000_000,
    }),
  });
  const worst = { ...noUsage, inputTokens: 150n, outputTokens: 1_000n };

  it("is of the candidate that costs most", () => {
    const [cheap, dear] = [prices(1n, 2n, 2n), prices(1n, 3n, 3n)];
    expect(dearestCase([cheap, dear], worst)).toEqual({ ...dear, worstCase: worst });
  });

  it("takes all of the output for reasoning where that costs more", () => {
    const [plain, thinking] = [prices(1n, 3n, 3n), prices(1n, 2n, 7n)];
    const { pricing, worstCase } = dearestCase([plain, thinking], worst);
    expect(pricing).toBe(thinking.pricing);
    expect(worstCase).toEqual({ ...worst, outputTokens: 0n, reasoningTokens: 1_000n });
  });

  it("takes what the request leaves open as it costs most, reasoning at a tier's price among it", () => {
    const tier = { aboveInputTokens: 0n, traits: { service_tier: "priority" } };
    const tiered = prices(1n, 2n, 2n).pricing;
    tiered.rates = [create(RateSchema, { unit: Unit.REASONING_TOKENS, nanoUsd: 9_000_000n, when: tier })];
    const candidates = [{ pricing: tiered }, prices(1n, 5n, 5n)];
    expect(dearestCase(candidates, worst)).toEqual({
      pricing: tiered,
      worstCase: { ...worst, outputTokens: 0n, reasoningTokens: 1_000n },
    });
    const usual = { ...worst, traits: { service_tier: "default" } };
    expect(dearestCase(candidates, usual).pricing).toBe(candidates[1]?.pricing);
  });

  it("takes audio at its own price, or as text where that costs more and the upstream may not tell it apart", () => {
    const spoken = { ...worst, more: [{ unit: Unit.INPUT_AUDIO_TOKENS, amount: 50n }] };
    const audio = (nanoUsd: bigint) => {
      const { pricing } = prices(2n, 2n, 2n);
      pricing.rates = [create(RateSchema, { unit: Unit.INPUT_AUDIO_TOKENS, nanoUsd: nanoUsd * 1_000_000n })];
      return { pricing };
    };
    expect(dearestCase([audio(9n)], spoken).worstCase).toEqual(spoken);
    expect(dearestCase([audio(1n)], spoken).worstCase).toEqual({ ...worst, inputTokens: 200n, more: [] });
    expect(dearestCase([prices(2n, 2n, 2n)], spoken).worstCase).toEqual(spoken);
  });
});
