import type { FlavourConfig } from "../flavour-config.ts";

/** Moonshot (Kimi). Thinking has no budget; K2.7 cannot be told not to think, K3 always thinks and takes an effort only. */
export const moonshot: FlavourConfig = {
  request_id_headers: ["msh-request-id", "x-msh-trace-id", "x-trace-id"],
  thinking_on: { thinking: { type: "enabled" } },
  thinking_off: { thinking: { type: "disabled" } },
  effort_field: "",
  rename_fields: { max_completion_tokens: "max_tokens" },
  system_turns: "anywhere",
  searches: false,
  extra_parts: ["video_url"],
  extra_tools: ["builtin_function"],
  reasoning_back: "tool_turns",
  tool_names: { max_length: 64, characters: "a-zA-Z0-9_-", first: "a-zA-Z_" },
  errors: [
    { status: 429, code: "exceeded_current_quota", means: "no_credit" },
    { code: "engine_overloaded|rate_limit_reached", means: "overloaded" },
    { code: "content_filter", means: "filtered" },
  ],
  models: [
    {
      match: "^kimi-k3",
      thinking_on: {},
      thinking_off: {},
      effort_field: "reasoning_effort",
      effort_values: { minimal: "low", medium: "high", xhigh: "max", none: "low" },
    },
    { match: "^kimi-k2\\.7", thinking_off: {} },
    { match: "^(moonshot-v1|kimi-k2-(0|turbo))", thinks: false },
  ],
};
