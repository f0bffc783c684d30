import type { FlavourConfig } from "../flavour-config.ts";

/** Zhipu. Its business codes are numbers in quotes; a 429 may mean that the balance is gone or the account is locked. */
export const zhipu: FlavourConfig = {
  request_id_headers: ["x-log-id", "x-request-id"],
  thinking_on: { thinking: { type: "enabled" } },
  thinking_off: { thinking: { type: "disabled" } },
  effort_field: "",
  rename_fields: { max_completion_tokens: "max_tokens", user: "user_id" },
  drop_fields: ["seed", "logit_bias", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "n"],
  rename_values: { tool_choice: { required: "auto" } },
  reasoning_back: "tool_turns",
  system_turns: "anywhere",
  searches: false,
  extra_parts: ["video_url", "file_url"],
  extra_tools: ["web_search", "retrieval", "mcp"],
  finish_reasons: { sensitive: "content_filter", network_error: "error", model_context_window_exceeded: "length" },
  errors: [
    { code: "^(1113)$", means: "no_credit" },
    { code: "^(1112|1121|1304|1308|1309|1310)$", means: "no_credit" },
    { code: "^(1000|1001|1002|1003|1004)$", means: "credential" },
    { code: "^(1302|1303|1305|1312|1234)$", means: "overloaded" },
    { code: "^(1211|1220)$", means: "unknown_model" },
    { code: "^(1261)$", means: "too_long" },
    { code: "^(1301)$", means: "filtered" },
  ],
};
