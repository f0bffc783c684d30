/* Anthropic's messages as the platform takes and gives them. */

/** Where what is marked ends, the prompt up to there is cached. */
export interface CacheControl {
  type: "ephemeral";
  ttl?: "5m" | "1h";
}

/** Where the bytes of a picture or a document come from. */
export type MessageSource =
  | { type: "base64"; media_type: string; data: string }
  | { type: "url"; url: string }
  | { type: "file"; file_id: string }
  | { type: "text"; media_type?: "text/plain"; data: string }
  | { type: "content"; content: string | object[] };

/** A text. */
export interface MessageText {
  type: "text";
  text: string;
  cache_control?: CacheControl | null;
  citations?: object[] | null;
}

/** A picture. */
export interface MessageImage {
  type: "image";
  source: MessageSource;
  cache_control?: CacheControl | null;
}

/** A document. */
export interface MessageDocument {
  type: "document";
  source: MessageSource;
  title?: string | null;
  context?: string | null;
  citations?: { enabled?: boolean | undefined } | null;
  cache_control?: CacheControl | null;
}

/** A part of a message. */
export type MessageBlock =
  | MessageText
  | MessageImage
  | MessageDocument
  | {
      type: "tool_use";
      id: string;
      name: string;
      input: unknown;
      cache_control?: CacheControl | null;
    }
  | {
      type: "tool_result";
      tool_use_id: string;
      content?: string | (MessageText | MessageImage | MessageDocument | HostedBlock)[];
      is_error?: boolean;
      cache_control?: CacheControl | null;
    }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string }
  | HostedBlock;

/** What the vendor's own tools leave in a conversation; it is sent back as it came. */
export interface HostedBlock {
  type:
    | "search_result"
    | "server_tool_use"
    | "web_search_tool_result"
    | "web_fetch_tool_result"
    | "code_execution_tool_result"
    | "bash_code_execution_tool_result"
    | "text_editor_code_execution_tool_result"
    | "tool_search_tool_result"
    | "tool_reference"
    | "container_upload"
    | "browser_state";
}

/** A tool that the model may call. */
export interface MessageTool {
  type?: "custom" | null;
  name: string;
  description?: string;
  input_schema: {
    type: "object";
    properties?: { [key: string]: unknown } | null;
    required?: string[] | null;
    [key: string]: unknown;
  };
  cache_control?: CacheControl | null;
}

/** A request for a message, whole or as a stream. */
export interface MessageRequest {
  /** Name of the model; `models.list` has those that the key may use. */
  model: string;
  messages: { role: "user" | "assistant" | "system"; content: string | MessageBlock[] }[];
  /** Most tokens of the answer. */
  max_tokens: number;
  system?: string | MessageText[];
  tools?: MessageTool[];
  tool_choice?:
    | { type: "auto" | "any"; disable_parallel_tool_use?: boolean }
    | { type: "tool"; name: string; disable_parallel_tool_use?: boolean }
    | { type: "none" };
  thinking?:
    | { type: "enabled"; budget_tokens: number; display?: "summarized" | "omitted" | null }
    | { type: "adaptive"; display?: "summarized" | "omitted" | null }
    | { type: "disabled" };
  output_config?: {
    effort?: "low" | "medium" | "high" | "xhigh" | "max" | null;
    format?: { type: "json_schema"; schema: { [key: string]: unknown } } | null;
  };
  stop_sequences?: string[];
  temperature?: number;
  top_p?: number;
  top_k?: number;
  metadata?: { user_id?: string | null };
  service_tier?: "auto" | "standard_only";
  speed?: "standard" | "fast" | null;
  cache_control?: CacheControl | null;
}

/** Why a message ended. */
export type MessageStopReason =
  | "end_turn"
  | "max_tokens"
  | "stop_sequence"
  | "tool_use"
  | "pause_turn"
  | "refusal"
  | "model_context_window_exceeded";

/** What a message consumed, as the upstream says it. */
export interface MessageUsage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens?: number | null;
  cache_read_input_tokens?: number | null;
}

/** A part of an answer. */
export type MessageAnswerBlock =
  | { type: "text"; text: string; citations?: object[] | null }
  | { type: "tool_use"; id: string; name: string; input: { [key: string]: unknown } }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string };

/** A whole message. */
export interface Message {
  id: string;
  type: "message";
  role: "assistant";
  model: string;
  content: MessageAnswerBlock[];
  stop_reason: MessageStopReason | null;
  stop_sequence: string | null;
  usage: MessageUsage;
}

/** An event of a message that is being written. */
export type MessageStreamEvent =
  | { type: "message_start"; message: Message }
  | { type: "content_block_start"; index: number; content_block: MessageAnswerBlock }
  | {
      type: "content_block_delta";
      index: number;
      delta:
        | { type: "text_delta"; text: string }
        | { type: "input_json_delta"; partial_json: string }
        | { type: "thinking_delta"; thinking: string }
        | { type: "signature_delta"; signature: string }
        | { type: "citations_delta"; citation: { [key: string]: unknown } };
    }
  | { type: "content_block_stop"; index: number }
  | {
      type: "message_delta";
      delta: { stop_reason: MessageStopReason | null; stop_sequence: string | null };
      usage: Partial<MessageUsage>;
    }
  | { type: "message_stop" }
  | { type: "ping" };
