import type { FlavourConfig } from "../flavour-config.ts";

/** Ollama's compatible endpoint: no request ID, fewer fields; a model that is not pulled is a 404. */
export const ollama: FlavourConfig = {
  completions: true,
  tool_names: {},
  plain_schemas: false,
  rename_fields: { max_completion_tokens: "max_tokens" },
  drop_fields: ["parallel_tool_calls", "logit_bias", "user", "store", "service_tier", "metadata", "prompt_cache_key"],
  thinking_on: { reasoning_effort: "medium" },
  thinking_off: { reasoning_effort: "none" },
  effort_values: { minimal: "low", xhigh: "high", max: "high" },
  reasoning_back: "always",
  reasoning_fields: ["reasoning"],
  searches: false,
  extra_parts: [],
  extra_tools: [],
  alternate_turns: true,
  user_first: true,
  // Tokens would be those of another vocabulary.
  embeds_tokens: false,
  errors: [
    { status: 404, message: "not found", means: "unknown_model" },
    { message: "does not support thinking|does not support tools", means: "refused" },
  ],
};
