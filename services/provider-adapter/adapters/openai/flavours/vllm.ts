import type { FlavourConfig } from "../flavour-config.ts";

/** vLLM: thinking is a switch of the chat template; errors of old versions are flat. */
export const vllm: FlavourConfig = {
  completions: true,
  thinking_on: { chat_template_kwargs: { enable_thinking: true } },
  thinking_off: { chat_template_kwargs: { enable_thinking: false } },
  top_k: true,
  tool_names: {},
  plain_schemas: false,
  errors: [{ message: "maximum context length|longer than the maximum model length", means: "too_long" }],
};
