import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import type { Reservation, ReserveItem } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { PricingSchema } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { each, startTestGateway } from "../testing.ts";
import { askedCeiling, dearestCase, worstCase } from "./worst-case.ts";

const unlimited = { contextWindowTokens: 0n, maxOutputTokens: 0n };

describe("the ceiling of an answer", () => {
  it.each([
    [[undefined, null], 0],
    [[1, 4_000], 4_000],
    [[4_000, 1], 4_000],
    [[undefined, 7], 7],
    [[0, 7], 0],
    [[1e308], 10 ** 15],
  ])("of %j is %d", (fields, ceiling) => {
    expect(askedCeiling(...fields)).toBe(ceiling);
  });

  it("is a number that can be reserved, however many answers are asked for", () => {
    const ask = { estimate: { tokens: 1 }, maxOutputTokens: 10 ** 15, maxOutputField: "max_tokens", choices: 128 };
    expect(worstCase(ask, unlimited).outputTokens).toBe(10n ** 15n);
  });

  it("is the larger where a chat names two: a client cannot hold for one token and have the other obeyed", async () => {
    const held: bigint[] = [];
    const reserve = each<ReserveItem, Reservation>(({ worstCase }) => {
      held.push(worstCase?.outputTokens ?? 0n);
      return { reservedNanoUsd: 1n };
    });
    await using gateway = await startTestGateway({ billing: { reserve } });
    const messages = [{ role: "user", content: "Hi" }];
    await gateway.call("/v1/chat/completions", { model: "m", messages, max_completion_tokens: 1, max_tokens: 4_000 });
    expect(held).toEqual([4_000n]);
  });
});

describe("the dearest case", () => {
  const prices = (input: bigint, output: bigint, reasoning: bigint) => ({
    pricing: create(PricingSchema, {
      inputNanoUsdPerMtok: input * 1_000_000n,
      outputNanoUsdPerMtok: output * 1_000_000n,
      reasoningNanoUsdPerMtok: reasoning * 1_000_000n,
      groupRatioPpm: 1_000_000,
    }),
  });
  const worst = worstCase(
    { estimate: { tokens: 100 }, maxOutputTokens: 1_000, maxOutputField: "max_tokens", choices: 1 },
    unlimited,
  );

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
});
