import type { FlavourConfig } from "../flavour-config.ts";
import { openModels } from "./open-models.ts";

/**
 * vLLM: thinking is a switch of the chat template; errors of old versions are flat. From 0.16 on it reads earlier thinking as
 * `reasoning`, before as `reasoning_content`, and each version overlooks the other's name. Which of it a model sees again is
 * the affair of its template.
 */
export const vllm: FlavourConfig = {
  completions: true,
  thinking_on: { chat_template_kwargs: { enable_thinking: true } },
  thinking_off: { chat_template_kwargs: { enable_thinking: false } },
  reasoning_back: "always",
  reasoning_fields: ["reasoning", "reasoning_content"],
  top_k: true,
  tool_names: {},
  plain_schemas: false,
  searches: false,
  extra_parts: ["video_url", "audio_url"],
  extra_tools: [],
  alternate_turns: true,
  user_first: true,
  errors: [{ message: "maximum context length|longer than the maximum model length", means: "too_long" }],
  models: openModels,
};
