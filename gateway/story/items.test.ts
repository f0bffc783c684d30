import { expect, test } from "vitest";
import { outputCeiling } from "./items.ts";

const limits = (maxOutputTokens: bigint, contextWindowTokens: bigint) => ({ maxOutputTokens, contextWindowTokens });
const asking = (maxOutputTokens: number, inputTokens = 1_000) => ({ inputTokens, maxOutputTokens, capabilities: [] });

test.each([
  ["nothing is known of the model", asking(32_000), limits(0n, 0n), 0n],
  ["the client names no bound", asking(0), limits(16_384n, 128_000n), 0n],
  ["the model gives as much", asking(16_384), limits(16_384n, 128_000n), 0n],
  ["the model gives less", asking(32_000), limits(16_384n, 128_000n), 16_384n],
  ["the window has room for less", asking(32_000, 20_000), limits(0n, 32_768n), 10_768n],
  ["both are less, the window least", asking(32_000, 20_000), limits(16_384n, 32_768n), 10_768n],
  // The upstream is to say that the input is too long.
  ["the window has no room at all", asking(32_000, 40_000), limits(0n, 32_768n), 0n],
])("where %s", (_name, needs, model, ceiling) => {
  expect(outputCeiling(needs, model)).toBe(ceiling);
});
