import type { FlavourConfig } from "../flavour-config.ts";

/**
 * Mistral. Usage always comes; fields that it does not know are refused with 422, those of messages too: what OpenAI's
 * answers hold and clients send back. Errors are flat.
 */
export const mistral: FlavourConfig = {
  request_id_headers: ["mistral-correlation-id", "x-kong-request-id"],
  stream_options: false,
  rename_fields: { seed: "random_seed", max_completion_tokens: "max_tokens" },
  rename_values: { tool_choice: { required: "any" } },
  drop_fields: [
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user",
    "safety_identifier",
    "store",
    "service_tier",
    "verbosity",
    "prompt_cache_options",
    "prompt_cache_retention",
    "web_search_options",
  ],
  drop_message_fields: ["refusal", "annotations", "audio", "function_call", "images"],
  thinking_on: { prompt_mode: "reasoning" },
  thinking_off: {},
  effort_field: "",
  searches: false,
  extra_parts: ["document_url", "reference"],
  extra_tools: [],
  alternate_turns: true,
  user_first: true,
  user_after_tool: false,
  finish_reasons: { model_length: "length", error: "error" },
  embeds_tokens: false,
  call_ids: { max_length: 9, min_length: 9, characters: "a-zA-Z0-9" },
  errors: [{ message: "too large for model|maximum context length", means: "too_long" }],
  models: [
    { match: "^(mistral|open-|ministral|pixtral|codestral|devstral)", thinks: false },
    // It embeds in one length and as numbers, codestral-embed in any.
    { match: "^mistral-embed", drop_fields: ["dimensions", "encoding_format"] },
    { match: "^codestral-embed", drop_fields: ["encoding_format"], rename_fields: { dimensions: "output_dimension" } },
  ],
};
