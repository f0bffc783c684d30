import fc from "fast-check";
import { expect, test } from "vitest";
import { speechBound, speechEstimate } from "../../../../shared/estimate/speech.ts";
import { Unit } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Prices } from "../../../../shared/money/prices.ts";
import { speechUsage } from "./speech.ts";

const free: Prices = {
  ...{ inputNanoUsdPerMtok: 0n, cachedInputNanoUsdPerMtok: 0n, cacheWriteNanoUsdPerMtok: 0n, outputNanoUsdPerMtok: 0n },
  ...{ reasoningNanoUsdPerMtok: 0n, imageNanoUsd: 0n, audioSecondNanoUsd: 0n, characterNanoUsdPerMchar: 0n },
  ...{ requestNanoUsd: 0n, groupRatioPpm: 1_000_000 },
};
const byCharacters = { ...free, characterNanoUsdPerMchar: 15_000_000_000n };
const byTokens = {
  ...free,
  inputNanoUsdPerMtok: 600_000_000n,
  rates: [{ unit: Unit.OUTPUT_AUDIO_TOKENS, nanoUsd: 12n }],
};
const request = {
  ...{ input: "Hello, 世界!", voice: "alloy", voicePath: "voice" as const, instructions: "", format: "mp3" },
  ...{ saysFormat: false, speed: 1, others: {} },
};

test("where characters are charged they are counted, and nothing is estimated", () => {
  const usage = speechUsage({ prices: byCharacters }, request, {}, undefined);
  expect(usage).toMatchObject({ characters: 10n, inputTokens: 0n, more: [], estimated: false });
});

test("where tokens are charged those that the upstream counted hold", () => {
  const usage = speechUsage({ prices: byTokens }, request, { inputTokens: 5, audioTokens: 40 }, 1_000);
  expect(usage).toMatchObject({
    inputTokens: 5n,
    more: [
      { unit: Unit.OUTPUT_AUDIO_TOKENS, amount: 40n },
      { unit: Unit.OUTPUT_AUDIO_MS, amount: 1_000n },
    ],
    estimated: false,
  });
});

test("where tokens are charged and not counted they are estimated, by the duration where that is known", () => {
  const usage = speechUsage({ prices: byTokens }, request, {}, 6_000);
  expect(usage).toMatchObject({ estimated: true });
  expect(usage.more).toContainEqual({ unit: Unit.OUTPUT_AUDIO_TOKENS, amount: 125n });
});

test("what is held covers what is estimated, whatever the text and its speed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.double({ min: 0.25, max: 4, noNaN: true }), (text, speed) => {
      const most = speechBound(text, speed);
      const usual = speechEstimate(text, speed, undefined);
      expect(most.characters).toBeGreaterThanOrEqual(usual.characters);
      expect(most.tokens).toBeGreaterThanOrEqual(usual.tokens);
      expect(most.durationMs).toBeGreaterThanOrEqual(usual.durationMs);
    }),
  );
});

test("a character of Chinese is held as two, as some vendors count it, and charged as one where nobody counts", () => {
  expect(speechBound("Hi 世界", 1).characters).toBe(7);
  expect(speechEstimate("Hi 世界", 1, undefined).characters).toBe(5);
  expect(speechUsage({ prices: byCharacters }, request, { characters: 12 }, undefined).characters).toBe(12n);
});
