import { type Static, Type } from "typebox";
import { extraPartTypes, extraToolTypes } from "../../../../shared/chat-extras.ts";
import { anyObject, maybe, modelName, oneOf, open, tokenCeiling } from "../../schemas/json.ts";

/*
 * POST /v1/chat/completions: the schema of the seed "create a chat" in full, widened to what OpenAI's own clients send
 * (openai 7, resources/chat/completions/completions.d.ts): audio, file and refusal parts, custom tools, legacy
 * functions, null content of an assistant that calls tools. Unknown fields pass.
 */

const textPart = open({ type: oneOf("text"), text: Type.String() });
const imagePart = open({
  type: oneOf("image_url"),
  image_url: open({ url: Type.String({ minLength: 1 }), detail: maybe(oneOf("auto", "low", "high", "original")) }),
});
const audioPart = open({
  type: oneOf("input_audio"),
  input_audio: open({ data: Type.String(), format: Type.String() }),
});
const filePart = open({ type: oneOf("file"), file: anyObject });
const refusalPart = open({ type: oneOf("refusal"), refusal: Type.String() });

const address = Type.Union([Type.String({ minLength: 1 }), open({ url: Type.String({ minLength: 1 }) })]);
const extraParts = extraPartTypes.map((type) =>
  open({ type: oneOf(type), ...(type.endsWith("_url") ? { [type]: address } : {}) }),
);

/** A part is chosen by its `type`, so that an error names the field inside the part and not "none of five shapes". */
const part = Type.Unsafe<{ type: string; text?: string; image_url?: { url: string } }>({
  type: "object",
  required: ["type"],
  properties: {
    type: { type: "string", enum: ["text", "image_url", "input_audio", "file", "refusal", ...extraPartTypes] },
  },
  discriminator: { propertyName: "type" },
  oneOf: [textPart, imagePart, audioPart, filePart, refusalPart, ...extraParts],
});

const content = Type.Union([Type.String(), Type.Array(part)]);

const toolCall = open({
  id: Type.Optional(Type.String()),
  type: Type.Optional(oneOf("function", "custom", ...extraToolTypes)),
  function: Type.Optional(open({ name: Type.Optional(Type.String()), arguments: Type.Optional(Type.String()) })),
});

const message = open({
  role: oneOf("system", "user", "assistant", "tool", "developer", "function"),
  content: Type.Optional(Type.Union([content, Type.Null()])),
  name: maybe(Type.String()),
  tool_calls: maybe(Type.Array(toolCall)),
  tool_call_id: maybe(Type.String()),
  function_call: maybe(open({ name: Type.String(), arguments: Type.String() })),
  reasoning_content: maybe(Type.String()),
  refusal: maybe(Type.String()),
  audio: maybe(anyObject),
});

const tool = open({
  type: oneOf("function", "custom", ...extraToolTypes),
  function: Type.Optional(
    open({ name: Type.String(), description: maybe(Type.String()), parameters: maybe(anyObject) }),
  ),
  custom: Type.Optional(open({ name: Type.String() })),
});

const toolChoice = Type.Union([
  oneOf("none", "auto", "required"),
  open({
    type: oneOf("function", "custom", "allowed_tools", ...extraToolTypes),
    function: Type.Optional(open({ name: Type.String() })),
  }),
]);

/** Body of POST /v1/chat/completions. */
export const chatBody = open({
  model: modelName,
  messages: Type.Array(message, { minItems: 1 }),
  stream: maybe(Type.Boolean()),
  stream_options: maybe(open({ include_usage: maybe(Type.Boolean()) })),
  max_tokens: maybe(tokenCeiling(0)),
  max_completion_tokens: maybe(tokenCeiling(0)),
  temperature: maybe(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: maybe(Type.Number({ minimum: 0, maximum: 1 })),
  n: maybe(Type.Integer({ minimum: 1, maximum: 128 })),
  stop: maybe(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 4 })])),
  presence_penalty: maybe(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: maybe(Type.Number({ minimum: -2, maximum: 2 })),
  logit_bias: maybe(Type.Record(Type.String(), Type.Number({ minimum: -100, maximum: 100 }))),
  logprobs: maybe(Type.Boolean()),
  top_logprobs: maybe(Type.Integer({ minimum: 0, maximum: 20 })),
  seed: maybe(Type.Number()),
  user: maybe(Type.String()),
  prompt_cache_key: maybe(Type.String()),
  response_format: maybe(
    open({ type: Type.Optional(oneOf("text", "json_object", "json_schema")), json_schema: maybe(anyObject) }),
  ),
  tools: maybe(Type.Array(tool)),
  tool_choice: maybe(toolChoice),
  functions: maybe(Type.Array(open({ name: Type.String() }))),
  function_call: maybe(Type.Union([Type.String(), open({ name: Type.String() })])),
  parallel_tool_calls: maybe(Type.Boolean()),
  reasoning_effort: maybe(Type.String()),
  enable_thinking: maybe(Type.Boolean()),
  extra_body: maybe(open({ enable_thinking: maybe(Type.Boolean()), google: maybe(anyObject) })),
  web_search_options: maybe(
    open({ search_context_size: maybe(oneOf("high", "medium", "low")), user_location: maybe(anyObject) }),
  ),
});

/** Body of POST /v1/chat/completions, checked. */
export type ChatBody = Static<typeof chatBody>;
