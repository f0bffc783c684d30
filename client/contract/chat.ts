/*
 * OpenAI's chat completions as the platform takes and gives them. Fields that are not listed here travel on to the upstream
 * where they stand in `extra_body`, or are asserted.
 */

/** A part of a message. */
export type ChatContentPart =
  | { type: "text"; text: string }
  | { type: "image_url"; image_url: { url: string; detail?: "auto" | "low" | "high" | "original" } }
  | { type: "input_audio"; input_audio: { data: string; format: string } }
  | { type: "file"; file: { file_data?: string; file_id?: string; filename?: string } }
  | { type: "refusal"; refusal: string }
  | { type: "video_url"; video_url: { url: string } };

/** A call of a tool that the model asks for. */
export type ChatToolCall =
  | { id: string; type: "function"; function: { name: string; arguments: string } }
  | { id: string; type: "custom"; custom: { name: string; input: string } };

/** A message of a conversation. */
export type ChatMessage =
  | { role: "system" | "developer"; content: string | ChatContentPart[]; name?: string }
  | { role: "user"; content: string | ChatContentPart[]; name?: string }
  | {
      role: "assistant";
      content?: string | ChatContentPart[] | null;
      name?: string;
      refusal?: string | null;
      tool_calls?: ChatToolCall[];
      reasoning_content?: string | null;
      audio?: { id: string } | null;
      function_call?: { name: string; arguments: string } | null;
    }
  | { role: "tool"; content: string | ChatContentPart[]; tool_call_id: string }
  | { role: "function"; content: string | null; name: string };

/** A tool that the model may call. */
export type ChatTool =
  | {
      type: "function";
      function: {
        name: string;
        description?: string;
        parameters?: { [key: string]: unknown };
        strict?: boolean | null;
      };
    }
  | {
      type: "custom";
      custom: {
        name: string;
        description?: string;
        format?: { type: "text" } | { type: "grammar"; grammar: { definition: string; syntax: "lark" | "regex" } };
      };
    };

/** Which tool the model is to call. */
export type ChatToolChoice =
  | "none"
  | "auto"
  | "required"
  | { type: "function"; function: { name: string } }
  | { type: "custom"; custom: { name: string } }
  | {
      type: "allowed_tools";
      allowed_tools: { mode: "auto" | "required"; tools: object[] };
    };

/** How the answer is to be written. */
export type ChatResponseFormat =
  | { type: "text" }
  | { type: "json_object" }
  | {
      type: "json_schema";
      json_schema: {
        name: string;
        description?: string;
        schema?: { [key: string]: unknown };
        strict?: boolean | null;
      };
    };

/** A request for a chat completion, whole or as a stream. */
export interface ChatRequest {
  /** Name of the model; `models.list` has those that the key may use. */
  model: string;
  messages: ChatMessage[];
  /** Most tokens of the answer; older name. */
  max_tokens?: number | null;
  /** Most tokens of the answer, thinking included. */
  max_completion_tokens?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  /** How many answers. */
  n?: number | null;
  stop?: string | string[] | null;
  presence_penalty?: number | null;
  frequency_penalty?: number | null;
  logit_bias?: { [token: string]: number } | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  seed?: number | null;
  /** The end user, for the upstream. */
  user?: string | null;
  metadata?: { [key: string]: string } | null;
  modalities?: ("text" | "audio")[] | null;
  audio?: { format: string; voice: string | { id: string } } | null;
  prompt_cache_key?: string | null;
  prompt_cache_retention?: string | null;
  safety_identifier?: string | null;
  service_tier?: string | null;
  store?: boolean | null;
  verbosity?: "low" | "medium" | "high" | null;
  prediction?: { type: "content"; content: string | { type: "text"; text: string }[] } | null;
  response_format?: ChatResponseFormat;
  tools?: ChatTool[];
  tool_choice?: ChatToolChoice;
  parallel_tool_calls?: boolean;
  reasoning_effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null;
  enable_thinking?: boolean;
  web_search_options?: {
    search_context_size?: "low" | "medium" | "high";
    user_location?: object | null;
  };
  /** Fields that only some upstreams know. */
  extra_body?: { [key: string]: unknown };
}

/** Why an answer ended. */
export type ChatFinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "function_call";

/** The likelihood of a token. */
export interface ChatTokenLogprob {
  token: string;
  bytes: number[] | null;
  logprob: number;
}

/** The likelihoods of an answer's tokens. */
export interface ChatLogprobs {
  content: (ChatTokenLogprob & { top_logprobs: ChatTokenLogprob[] })[] | null;
  refusal?: (ChatTokenLogprob & { top_logprobs: ChatTokenLogprob[] })[] | null;
}

/** What an answer consumed, as the upstream says it. */
export interface ChatUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details?: { cached_tokens?: number; audio_tokens?: number };
  completion_tokens_details?: {
    reasoning_tokens?: number;
    audio_tokens?: number;
    accepted_prediction_tokens?: number;
    rejected_prediction_tokens?: number;
  };
}

/** A whole answer. */
export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: {
    index: number;
    finish_reason: ChatFinishReason;
    logprobs?: ChatLogprobs | null;
    message: {
      role: "assistant";
      content: string | null;
      refusal?: string | null;
      reasoning_content?: string | null;
      tool_calls?: ChatToolCall[];
      annotations?: object[];
      audio?: { id: string; data: string; expires_at: number; transcript: string } | null;
    };
  }[];
  usage?: ChatUsage;
  service_tier?: string | null;
  system_fingerprint?: string | null;
}

/** A piece of an answer. */
export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: {
    index: number;
    finish_reason: ChatFinishReason | null;
    logprobs?: ChatLogprobs | null;
    delta: {
      role?: "assistant";
      content?: string | null;
      refusal?: string | null;
      reasoning_content?: string | null;
      tool_calls?: {
        index: number;
        id?: string;
        type?: "function" | "custom";
        function?: { name?: string; arguments?: string };
        custom?: { name?: string; input?: string };
      }[];
    };
  }[];
  /** In the last chunk alone. */
  usage?: ChatUsage | null;
  service_tier?: string | null;
  system_fingerprint?: string | null;
}
