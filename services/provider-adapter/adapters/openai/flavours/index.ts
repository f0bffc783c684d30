import type { FlavourConfig } from "../flavour-config.ts";
import { azure } from "./azure.ts";
import { dashscope } from "./dashscope.ts";
import { deepseek } from "./deepseek.ts";
import { minimax } from "./minimax.ts";
import { mistral } from "./mistral.ts";
import { moonshot } from "./moonshot.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai.ts";
import { openrouter } from "./openrouter.ts";
import { siliconflow } from "./siliconflow.ts";
import { vllm } from "./vllm.ts";
import { volcengine } from "./volcengine.ts";
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
  siliconflow,
  volcengine,
  minimax,
};
