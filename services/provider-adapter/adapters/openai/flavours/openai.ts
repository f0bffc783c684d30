import type { FlavourConfig } from "../flavour-config.ts";

/**
 * OpenAI. Reasoning models refuse max_tokens and want `developer` for `system`; those before 5.1 refuse sampling and know no
 * effort above high. The others refuse an effort.
 */
export const openai: FlavourConfig = {
  responses: true,
  developer_role: true,
  custom_tools: true,
  // "Invalid 'tools[0].function.description': string too long."
  max_tool_description: 1_024,
  namespaces: true,
  call_ids: { max_length: 40 },
  system_turns: "anywhere",
  extra_parts: [],
  extra_tools: [],
  request_id_headers: ["x-request-id"],
  thinking_on: { reasoning_effort: "high" },
  thinking_off: { reasoning_effort: "minimal" },
  max_tokens_field: "max_completion_tokens",
  errors: [
    { status: 429, code: "insufficient_quota|billing_hard_limit", means: "no_credit" },
    { code: "context_length_exceeded", means: "too_long" },
    { status: 404, code: "model_not_found", means: "unknown_model" },
  ],
  models: [
    // Only those that are named so search in chat.
    { match: "^(gpt|chatgpt|o\\d)(?!.*search)", searches: false },
    // "This is not a chat model", "only supported in v1/responses".
    { match: "^(o\\d(-mini)?-(pro|deep-research)|gpt-5(\\.\\d+)?(-pro|.*-codex)|codex-|computer-use)", chat: false },
    { match: "^(gpt-3|gpt-4|chatgpt|gpt-5-chat)", thinks: false },
    // They always give data, and know no style; how images come back is seen to here.
    { match: "^(gpt-image|chatgpt-image)", drop_fields: ["response_format", "style"] },
    { match: "^(gpt-3.5-turbo-instruct|davinci-002|babbage-002)", completions: true, responses: false },
    {
      match: "^(o\\d|gpt-5(?!-chat)|gpt-[6-9])",
      rename_fields: { max_tokens: "max_completion_tokens" },
      system_role: "developer",
    },
    {
      match: "^(o\\d|gpt-5(?!\\.|-chat))",
      drop_fields: ["temperature", "top_p", "presence_penalty", "frequency_penalty"],
      effort_values: { xhigh: "high", max: "high" },
      rename_values: { reasoning_effort: { xhigh: "high", max: "high" } },
    },
    // From 5.1 on "none" is what switches reasoning off; o-series and codex know neither.
    {
      match: "^(gpt-5\\.\\d|gpt-[6-9])",
      thinking_off: { reasoning_effort: "none" },
      effort_values: { minimal: "low" },
    },
    {
      match: "^o\\d",
      thinking_off: { reasoning_effort: "low" },
      effort_values: { minimal: "low", none: "low", xhigh: "high", max: "high" },
      rename_values: { reasoning_effort: { minimal: "low", none: "low", xhigh: "high", max: "high" } },
    },
  ],
};
