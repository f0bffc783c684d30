import { describe, expect, test } from "vitest";
import { costNanoUsd } from "../../../../shared/money/cost.ts";
import type { Prices } from "../../../../shared/money/prices.ts";
import { Unit, unitEntry } from "../../../../shared/units.ts";
import { measure } from "./measure.ts";
import { type SpeechCounts, speechUsage } from "./speech.ts";
import type { SpokenUsage } from "./transcript.ts";

/* Every combination of what a strategy prices and what an upstream states: docs/billing.md, "Speech and transcription". */

const free: Prices = {
  ...{ inputNanoUsdPerMtok: 0n, cachedInputNanoUsdPerMtok: 0n, cacheWriteNanoUsdPerMtok: 0n, outputNanoUsdPerMtok: 0n },
  ...{ reasoningNanoUsdPerMtok: 0n, imageNanoUsd: 0n, audioSecondNanoUsd: 0n, characterNanoUsdPerMchar: 0n },
  ...{ requestNanoUsd: 0n, groupRatioPpm: 1_000_000 },
};
const rate = (unit: Unit, nanoUsd: bigint): Prices => ({ ...free, rates: [{ unit, nanoUsd }] });

/** Units that came to something, by their names. */
function unitsOf(usage: ReturnType<typeof measure>): Record<string, bigint> {
  const { inputTokens, outputTokens, characters, more = [] } = usage;
  const parts = { input_tokens: inputTokens, output_tokens: outputTokens, characters };
  const named = [
    ...Object.entries(parts),
    ...more.map(({ unit, amount }) => [unitEntry(unit).name, amount] as const),
  ].filter(([, amount]) => amount > 0n);
  return Object.fromEntries(named);
}

describe("speech", () => {
  const input = "Ten chars!";
  const request = {
    ...{ input, voice: "alloy", voicePath: "voice" as const, instructions: "", format: "mp3", saysFormat: false },
    ...{ speed: 1, others: {} },
  };
  const said: Readonly<Record<string, SpeechCounts>> = {
    nothing: {},
    tokens: { inputTokens: 5, audioTokens: 40 },
    characters: { characters: 20 },
    "characters that cannot be": { characters: 1_000_000 },
    all: { inputTokens: 5, audioTokens: 40, characters: 20 },
  };
  const prices: Readonly<Record<string, Prices>> = {
    characters: { ...free, characterNanoUsdPerMchar: 15_000_000_000n },
    input: { ...free, inputNanoUsdPerMtok: 600_000_000n },
    output: { ...free, outputNanoUsdPerMtok: 12_000_000_000n },
    output_audio: rate(Unit.OUTPUT_AUDIO_TOKENS, 12_000_000_000n),
    audio_second: { ...free, audioSecondNanoUsd: 250_000n },
    output_audio_second: rate(Unit.OUTPUT_AUDIO_MS, 250_000n),
    request: { ...free, requestNanoUsd: 1_000_000n },
  };

  test.each([
    ["characters", "nothing", undefined, 150_000n, false],
    ["characters", "tokens", undefined, 150_000n, false],
    ["characters", "characters", undefined, 300_000n, false],
    ["characters", "characters that cannot be", undefined, 150_000n, false],
    ["characters", "all", undefined, 300_000n, false],
    ["input", "nothing", undefined, 1_800n, true],
    ["input", "tokens", undefined, 3_000n, false],
    ["output", "nothing", undefined, 180_000n, true],
    ["output", "nothing", 6_000, 1_500_000n, true],
    ["output", "tokens", 6_000, 480_000n, false],
    ["output_audio", "nothing", 6_000, 1_500_000n, true],
    ["output_audio", "characters", 6_000, 1_500_000n, true],
    ["output_audio", "all", 6_000, 480_000n, false],
    ["audio_second", "nothing", 6_000, 1_500_000n, false],
    ["audio_second", "nothing", undefined, 175_000n, true],
    ["audio_second", "all", undefined, 175_000n, true],
    ["output_audio_second", "tokens", 6_000, 1_500_000n, false],
    ["output_audio_second", "nothing", undefined, 175_000n, true],
    ["request", "nothing", undefined, 1_000_000n, false],
    ["request", "all", undefined, 1_000_000n, false],
  ] as const)("by %s, stated: %s, audio of %s ms: %d nano-USD", (by, states, durationMs, nanoUsd, estimated) => {
    const usage = speechUsage({ prices: prices[by] }, request, said[states] ?? {}, durationMs);
    expect(costNanoUsd(usage, prices[by] ?? free)).toBe(nanoUsd);
    expect(usage.estimated).toBe(estimated);
  });
});

describe("a transcription", () => {
  /** 400,000 bytes, of which the gateway read 100 s. */
  const measured = {
    durationS: undefined,
    audioMs: 100_000,
    fileBytes: 400_000,
    prompt: "four",
    text: "eight letters",
  };
  const tokens = { text: 2, audio: 900, output: 30 };
  const said: Readonly<Record<string, { readonly said: SpokenUsage; readonly durationS?: number }>> = {
    nothing: { said: {} },
    seconds: { said: { seconds: 90 } },
    "the length": { said: {}, durationS: 95 },
    tokens: { said: { tokens } },
    both: { said: { seconds: 90, tokens } },
    cost: { said: { costNanoUsd: 1_500 } },
    "seconds that cannot be": { said: { seconds: 1.9e14 }, durationS: Number.NaN },
    "tokens that cannot be": { said: { tokens: { text: 0, audio: 1e8, output: 1e8 } } },
  };
  const bySecond = { input_audio_ms: 100_000n };
  const stated = { input_audio_ms: 90_000n };
  const byTokens = { input_tokens: 1n, input_audio_tokens: 1_000n, output_tokens: 4n };
  const statedTokens = { input_tokens: 2n, input_audio_tokens: 900n, output_tokens: 30n };
  const prices: Readonly<Record<string, Prices>> = {
    audio_second: { ...free, audioSecondNanoUsd: 100_000n },
    input_audio_second: rate(Unit.INPUT_AUDIO_MS, 100_000n),
    input: { ...free, inputNanoUsdPerMtok: 1_000_000_000n },
    input_audio: rate(Unit.INPUT_AUDIO_TOKENS, 6_000_000_000n),
    output: { ...free, outputNanoUsdPerMtok: 10_000_000_000n },
    "vendor_cost and seconds": {
      ...free,
      audioSecondNanoUsd: 100_000n,
      rates: [{ unit: Unit.VENDOR_NANO_USD, nanoUsd: 1_000_000_000n }],
    },
    nothing: free,
  };
  const seconds = ["audio_second", "input_audio_second"];
  const inTokens = ["input", "input_audio", "output"];

  test.each([
    [seconds, "nothing", bySecond, true],
    [seconds, "seconds", stated, false],
    [seconds, "the length", { input_audio_ms: 95_000n }, false],
    [seconds, "tokens", bySecond, true],
    [seconds, "both", stated, false],
    [seconds, "seconds that cannot be", bySecond, true],
    [seconds, "tokens that cannot be", bySecond, true],
    [inTokens, "nothing", byTokens, true],
    [inTokens, "seconds", { ...byTokens, input_audio_tokens: 900n }, true],
    [inTokens, "the length", { ...byTokens, input_audio_tokens: 950n }, true],
    [inTokens, "tokens", statedTokens, false],
    [inTokens, "both", statedTokens, false],
    [inTokens, "seconds that cannot be", byTokens, true],
    [inTokens, "tokens that cannot be", byTokens, true],
    [["vendor_cost and seconds"], "cost", { ...bySecond, vendor_nano_usd: 1_500n }, true],
    [["vendor_cost and seconds"], "nothing", bySecond, true],
    [["nothing"], "nothing", bySecond, true],
    [["nothing"], "tokens", statedTokens, false],
  ] as const)("by any of %j, stated: %s", (names, states, units, estimated) => {
    for (const name of names) {
      const priced = prices[name] ?? free;
      const usage = measure({ ...measured, ...said[states], said: said[states]?.said ?? {} }, priced);
      expect([unitsOf(usage), usage.estimated]).toEqual([units, estimated]);
      if (name === "vendor_cost and seconds") {
        expect(costNanoUsd(usage, priced)).toBe(states === "cost" ? 1_500n : 10_000_000n);
      } else if (name !== "nothing") {
        expect(costNanoUsd(usage, priced)).toBeGreaterThan(0n);
      }
    }
  });
});
