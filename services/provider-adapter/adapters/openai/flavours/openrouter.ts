import type { FlavourConfig } from "../flavour-config.ts";

/**
 * OpenRouter. Errors after the start come inside a 200; `reasoning_details` of tool turns must come back unchanged. `models`
 * names others to answer where the first does not: at their price, while the request was priced as the first.
 */
export const openrouter: FlavourConfig = {
  drop_fields: ["models", "route"],
  developer_role: true,
  request_id_headers: ["x-generation-id"],
  thinking_on: { reasoning: { enabled: true } },
  thinking_off: { reasoning: { enabled: false } },
  effort_field: "reasoning.effort",
  effort_values: { max: "xhigh" },
  budget_field: "reasoning.max_tokens",
  reasoning_back: "always",
  top_k: true,
  // Those of the vendors that it sends on to.
  call_ids: { max_length: 40 },
  extra_parts: ["video_url"],
  extra_tools: [],
  system_turns: "anywhere",
  finish_reasons: { error: "error" },
  // Those who serve open models go by their templates.
  models: [
    {
      match: "^mistralai/",
      system_turns: "first",
      alternate_turns: true,
      user_first: true,
      user_after_tool: false,
    },
    { match: "^(qwen|google/gemma|meta-llama|nousresearch|microsoft/phi)", system_turns: "first" },
  ],
  errors: [
    // Credit is held for each request under way, as here: it comes back when they end (Retry-After says when).
    { status: 402, message: "in[-_ ]flight", means: "overloaded" },
    { status: 402, means: "no_credit" },
    { status: 403, message: "moderation|flagged", means: "filtered" },
    { status: 400, message: "is not a valid model", means: "unknown_model" },
    { status: 404, message: "No (allowed )?(endpoints|providers)", means: "unknown_model" },
  ],
};
