import type { FlavourConfig } from "../flavour-config.ts";

/**
 * DeepSeek. Assistant turns that called tools must carry `reasoning_content` back, even if empty, else 400; when the
 * engine lacks resources it says so as a finish reason.
 */
export const deepseek: FlavourConfig = {
  request_id_headers: ["x-ds-trace-id"],
  system_turns: "anywhere",
  searches: false,
  extra_parts: [],
  extra_tools: [],
  thinking_on: { thinking: { type: "enabled" } },
  thinking_off: { thinking: { type: "disabled" } },
  effort_values: { minimal: "low", medium: "high", xhigh: "max" },
  rename_fields: { max_completion_tokens: "max_tokens" },
  drop_fields: ["seed", "top_k", "logit_bias", "parallel_tool_calls", "user"],
  reasoning_back: "tool_turns",
  finish_reasons: { insufficient_system_resource: "error" },
  errors: [{ status: 402, means: "no_credit" }],
};
