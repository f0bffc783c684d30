import type { Adapter } from "./adapter.ts";
import { anthropicAdapter } from "./anthropic/index.ts";
import { bedrockAdapter } from "./bedrock/index.ts";
import { cohereAdapter } from "./cohere/index.ts";
import { elevenLabsAdapter } from "./elevenlabs/index.ts";
import { falAdapter } from "./fal/index.ts";
import { geminiAdapter } from "./gemini/index.ts";
import { klingAdapter } from "./kling/index.ts";
import { openaiAdapter } from "./openai/index.ts";
import { replicateAdapter } from "./replicate/index.ts";
import { runwayAdapter } from "./runway/index.ts";
import { vertexAdapter } from "./vertex/index.ts";
import { voyageAdapter } from "./voyage/index.ts";

/** Every upstream format, by the name that channels give as their adapter. */
export const adapters: Readonly<Record<string, Adapter>> = {
  anthropic: anthropicAdapter,
  bedrock: bedrockAdapter,
  cohere: cohereAdapter,
  elevenlabs: elevenLabsAdapter,
  fal: falAdapter,
  gemini: geminiAdapter,
  kling: klingAdapter,
  openai: openaiAdapter,
  replicate: replicateAdapter,
  runway: runwayAdapter,
  vertex: vertexAdapter,
  voyage: voyageAdapter,
};
