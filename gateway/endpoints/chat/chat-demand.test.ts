import { describe, expect, it } from "vitest";
import type { Reservation, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { Unit } from "../../../shared/units.ts";
import { each, startTestGateway } from "../../testing.ts";
import { askedCeiling, worstCase } from "./chat-demand.ts";

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
    const ask = {
      estimate: { tokens: 1 },
      maxOutputTokens: 10 ** 15,
      maxOutputField: "max_tokens",
      inputField: "messages",
      choices: 128,
    };
    expect(worstCase(ask, unlimited).outputTokens).toBe(10n ** 15n);
  });

  it("has images and audio by their own units, with as much more as text", () => {
    const ask = {
      estimate: { tokens: 1_000, imageTokens: 200, audioTokens: 301 },
      maxOutputTokens: 50,
      maxOutputField: "max_tokens",
      inputField: "messages",
      choices: 2,
    };
    const media = [
      { unit: Unit.INPUT_IMAGE_TOKENS, amount: 300n },
      { unit: Unit.INPUT_AUDIO_TOKENS, amount: 452n },
    ];
    expect(worstCase(ask, unlimited)).toEqual({ ...noUsage, inputTokens: 749n, outputTokens: 100n, more: media });
    expect(worstCase({ ...ask, spoken: true }, unlimited)).toEqual({
      ...noUsage,
      inputTokens: 749n,
      more: [...media, { unit: Unit.OUTPUT_AUDIO_TOKENS, amount: 100n }],
    });
    expect(worstCase({ ...ask, estimate: { tokens: 10 } }, unlimited)).not.toHaveProperty("more");
  });

  it("of a chat with sound that is to be answered aloud holds both at the price of audio", async () => {
    const held: unknown[] = [];
    const reserve = each<ReserveItem, Reservation>(({ worstCase }) => {
      held.push(worstCase?.more.map(({ unit, amount }) => [unit, amount]));
      return { reservedNanoUsd: 1n };
    });
    await using gateway = await startTestGateway({ billing: { reserve } });
    const content = [{ type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } }];
    const messages = [{ role: "user", content }];
    const spoken = { model: "m", messages, modalities: ["text", "audio"], max_tokens: 40 };
    await gateway.call("/v1/chat/completions", spoken);
    await gateway.call("/v1/chat/completions", { model: "m", messages, max_tokens: 40 });
    const input = [Unit.INPUT_AUDIO_TOKENS, 3_000n];
    expect(held).toEqual([[input, [Unit.OUTPUT_AUDIO_TOKENS, 40n]], [input]]);
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
