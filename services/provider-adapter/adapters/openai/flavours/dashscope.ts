import type { FlavourConfig } from "../flavour-config.ts";

/**
 * DashScope (Qwen). Thinking is refused outside a stream; the open models think by themselves and must then be told not to.
 * An account in arrears is answered with 400.
 */
export const dashscope: FlavourConfig = {
  request_id_headers: ["x-request-id", "x-dashscope-request-id"],
  thinking_on: { enable_thinking: true },
  thinking_off: { enable_thinking: false },
  thinking_needs_stream: true,
  search_on: { enable_search: true },
  effort_field: "",
  budget_field: "thinking_budget",
  rename_fields: { max_completion_tokens: "max_tokens" },
  top_k: true,
  extra_parts: ["video_url", "video"],
  extra_tools: [],
  // docs: "Text embedding", the synchronous interface.
  max_embedding_inputs: 10,
  embeds_tokens: false,
  errors: [
    { code: "Arrearage", means: "no_credit" },
    { message: "overdue-payment|Access denied, please make sure your account is in good standing", means: "no_credit" },
    { code: "Throttling|limit_requests|limit_burst_rate", means: "overloaded" },
    { message: "Range of input length should be", means: "too_long" },
    { code: "data_inspection_failed|DataInspectionFailed", means: "filtered" },
    { code: "model_not_found|ModelNotFound|InvalidApiKey", status: 404, means: "unknown_model" },
  ],
  models: [
    { match: "^qwen3-\\d|^qwen3-next", add_when_whole: { enable_thinking: false } },
    { match: "^(qwen-mt|qwen-vl-ocr|qwen2)", thinks: false },
  ],
};
