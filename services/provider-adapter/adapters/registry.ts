import type { Adapter } from "./adapter.ts";
import { anthropicAdapter } from "./anthropic/index.ts";
import { cohereAdapter } from "./cohere/index.ts";
import { elevenLabsAdapter } from "./elevenlabs/index.ts";
import { geminiAdapter } from "./gemini/index.ts";
import { openaiAdapter } from "./openai/index.ts";
import { voyageAdapter } from "./voyage/index.ts";

/** Every upstream format, by the name that channels give as their adapter. */
export const adapters: Readonly<Record<string, Adapter>> = {
  anthropic: anthropicAdapter,
  cohere: cohereAdapter,
  elevenlabs: elevenLabsAdapter,
  gemini: geminiAdapter,
  openai: openaiAdapter,
  voyage: voyageAdapter,
};
