/* OpenAI's responses as the platform takes and gives them. */

/** A part of an item of the input. */
export type ResponseInputPart =
  | { type: "input_text"; text: string }
  | { type: "output_text"; text: string; annotations?: object[] }
  | { type: "refusal"; refusal: string }
  | {
      type: "input_image";
      image_url?: string | null;
      file_id?: string | null;
      detail?: "auto" | "low" | "high" | "original" | null;
    }
  | {
      type: "input_file";
      file_data?: string | null;
      file_id?: string | null;
      file_url?: string | null;
      filename?: string | null;
    };

/** An item of the input. */
export type ResponseInputItem =
  | {
      type?: "message";
      role: "user" | "assistant" | "system" | "developer";
      content: string | ResponseInputPart[];
      id?: string;
      status?: string;
    }
  | { type: "function_call"; call_id: string; name: string; arguments: string; id?: string; status?: string }
  | { type: "function_call_output"; call_id: string; output: string | ResponseInputPart[]; id?: string }
  | { type: "custom_tool_call"; call_id: string; name: string; input: string; id?: string }
  | { type: "custom_tool_call_output"; call_id: string; output: string | ResponseInputPart[]; id?: string }
  | {
      type: "reasoning";
      id?: string;
      summary?: { type: "summary_text"; text: string }[] | null;
      encrypted_content?: string | null;
    }
  | { type: "item_reference"; id: string };

/** A tool that the model may call; what else the vendor hosts is named by its type. */
export type ResponseTool =
  | {
      type: "function";
      name: string;
      description?: string | null;
      parameters?: { [key: string]: unknown } | null;
      strict?: boolean | null;
    }
  | { type: "custom"; name: string; description?: string; format?: { [key: string]: unknown } }
  | {
      type: "web_search" | "web_search_preview" | "file_search" | "code_interpreter" | "image_generation" | "mcp";
      [key: string]: unknown;
    };

/** A request for a response, whole or as a stream. */
export interface ResponseRequest {
  /** Name of the model; `models.list` has those that the key may use. */
  model: string;
  input?: string | ResponseInputItem[];
  instructions?: string | null;
  /** Most tokens of the answer, thinking included. */
  max_output_tokens?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  top_logprobs?: number | null;
  /** Whether it is kept, so that another request can go on from it. */
  store?: boolean | null;
  /** The response that this one goes on from. */
  previous_response_id?: string | null;
  conversation?: string | { id: string } | null;
  prompt?: { id: string; version?: string | null; variables?: { [key: string]: unknown } | null } | null;
  include?: string[] | null;
  metadata?: { [key: string]: string } | null;
  parallel_tool_calls?: boolean | null;
  prompt_cache_key?: string | null;
  reasoning?: {
    effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null;
    summary?: "auto" | "concise" | "detailed" | null;
  } | null;
  safety_identifier?: string | null;
  service_tier?: string | null;
  text?: {
    format?:
      | { type: "text" }
      | { type: "json_object" }
      | { type: "json_schema"; name: string; schema: { [key: string]: unknown }; strict?: boolean | null }
      | null;
    verbosity?: "low" | "medium" | "high" | null;
  } | null;
  tool_choice?: "none" | "auto" | "required" | { type: "function" | "custom"; name: string } | null;
  tools?: ResponseTool[] | null;
  truncation?: "auto" | "disabled" | null;
  user?: string | null;
}

/** State of a response. */
export type ResponseStatus = "completed" | "failed" | "in_progress" | "cancelled" | "queued" | "incomplete";

/** A part of an answer. */
export type ResponseOutputPart =
  | { type: "output_text"; text: string; annotations: object[] }
  | { type: "refusal"; refusal: string };

/** An item of an answer. */
export type ResponseOutputItem =
  | { type: "message"; id: string; role: "assistant"; status: string; content: ResponseOutputPart[] }
  | { type: "function_call"; id?: string; call_id: string; name: string; arguments: string; status?: string }
  | { type: "custom_tool_call"; id?: string; call_id: string; name: string; input: string }
  | {
      type: "reasoning";
      id: string;
      summary: { type: "summary_text"; text: string }[];
      encrypted_content?: string | null;
    };

/** A whole response. */
export interface ModelResponse {
  id: string;
  object: "response";
  created_at: number;
  model: string;
  status: ResponseStatus;
  output: ResponseOutputItem[];
  error?: { code: string; message: string } | null;
  incomplete_details?: { reason: "max_output_tokens" | "content_filter" } | null;
  instructions?: string | null;
  metadata?: { [key: string]: string } | null;
  previous_response_id?: string | null;
  usage?: {
    input_tokens: number;
    output_tokens: number;
    total_tokens: number;
    input_tokens_details?: { cached_tokens?: number };
    output_tokens_details?: { reasoning_tokens?: number };
  } | null;
}

/** An event of a response that is being written; there are more types, each with fields of its own. */
export type ResponseStreamEvent =
  | {
      type:
        | "response.created"
        | "response.queued"
        | "response.in_progress"
        | "response.completed"
        | "response.incomplete"
        | "response.failed";
      sequence_number: number;
      response: ModelResponse;
    }
  | {
      type: "response.output_item.added" | "response.output_item.done";
      sequence_number: number;
      output_index: number;
      item: ResponseOutputItem;
    }
  | {
      type: "response.content_part.added" | "response.content_part.done";
      sequence_number: number;
      output_index: number;
      content_index: number;
      item_id: string;
      part: ResponseOutputPart;
    }
  | {
      type:
        | "response.output_text.delta"
        | "response.refusal.delta"
        | "response.reasoning_text.delta"
        | "response.reasoning_summary_text.delta"
        | "response.function_call_arguments.delta"
        | "response.custom_tool_call_input.delta";
      sequence_number: number;
      output_index: number;
      item_id: string;
      delta: string;
    }
  | { type: "response.output_text.done"; sequence_number: number; output_index: number; item_id: string; text: string }
  | {
      type: "response.function_call_arguments.done";
      sequence_number: number;
      output_index: number;
      item_id: string;
      arguments: string;
    };
