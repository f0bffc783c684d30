import type { FlavourConfig } from "../flavour-config.ts";
import { azure } from "./azure.ts";
import { dashscope } from "./dashscope.ts";
import { deepseek } from "./deepseek.ts";
import { mistral } from "./mistral.ts";
import { moonshot } from "./moonshot.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai.ts";
import { openrouter } from "./openrouter.ts";
import { vllm } from "./vllm.ts";
import { zhipu } from "./zhipu.ts";

/** The named flavours: what `{"vendor": "..."}` of a channel's flavour may say. */
export const flavours: Readonly<Record<string, FlavourConfig>> = {
  openai,
  azure,
  deepseek,
  dashscope,
  moonshot,
  zhipu,
  mistral,
  openrouter,
  ollama,
  vllm,
};
