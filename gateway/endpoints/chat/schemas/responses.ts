import { type Static, Type } from "typebox";
import { anyObject, byType, maybe, modelName, oneOf, open, tokenCeiling } from "../../schemas/json.ts";

/*
 * POST /v1/responses (openai 7.55, resources/responses/responses.d.ts). Item, part and tool types that are not listed
 * are hosted ones or newer ones: they pass as they are.
 */

const part = byType({
  input_text: open({ text: Type.String() }),
  output_text: open({ text: Type.String() }),
  refusal: open({ refusal: Type.String() }),
  input_image: open({
    image_url: maybe(Type.String({ minLength: 1 })),
    file_id: maybe(Type.String({ minLength: 1 })),
    detail: maybe(oneOf("auto", "low", "high", "original")),
  }),
  input_file: open({
    file_data: maybe(Type.String()),
    file_id: maybe(Type.String()),
    file_url: maybe(Type.String()),
    filename: maybe(Type.String()),
  }),
});

const content = Type.Union([Type.String(), Type.Array(part)]);

const message = open({ role: oneOf("user", "assistant", "system", "developer"), content });

const item = byType(
  {
    message,
    function_call: open({
      call_id: Type.String({ minLength: 1 }),
      name: Type.String({ minLength: 1 }),
      arguments: Type.String(),
    }),
    function_call_output: open({ call_id: Type.String({ minLength: 1 }), output: content }),
    custom_tool_call_output: open({ call_id: Type.String({ minLength: 1 }), output: content }),
    reasoning: open({ summary: maybe(Type.Array(anyObject)), encrypted_content: maybe(Type.String()) }),
    item_reference: open({ id: Type.String({ minLength: 1 }) }),
  },
  message,
);

const tool = byType({
  function: open({
    name: Type.String({ minLength: 1 }),
    description: maybe(Type.String()),
    parameters: maybe(anyObject),
    strict: maybe(Type.Boolean()),
  }),
  custom: open({ name: Type.String({ minLength: 1 }) }),
});

const toolChoice = Type.Union([
  oneOf("none", "auto", "required"),
  byType({ function: open({ name: Type.String({ minLength: 1 }) }), custom: open({ name: Type.String() }) }),
]);

const format = byType({
  json_schema: open({ name: Type.String({ minLength: 1 }), schema: anyObject, strict: maybe(Type.Boolean()) }),
});

/** Body of POST /v1/responses. */
export const responsesBody = open({
  model: modelName,
  input: maybe(Type.Union([Type.String(), Type.Array(item, { minItems: 1 })])),
  instructions: maybe(Type.String()),
  max_output_tokens: maybe(tokenCeiling(1)),
  temperature: maybe(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: maybe(Type.Number({ minimum: 0, maximum: 1 })),
  top_logprobs: maybe(Type.Integer({ minimum: 0, maximum: 20 })),
  stream: maybe(Type.Boolean()),
  stream_options: maybe(open({ include_obfuscation: maybe(Type.Boolean()) })),
  store: maybe(Type.Boolean()),
  background: maybe(Type.Boolean()),
  previous_response_id: maybe(Type.String()),
  conversation: maybe(Type.Union([Type.String(), anyObject])),
  prompt: maybe(open({ id: Type.String({ minLength: 1 }) })),
  include: maybe(Type.Array(Type.String())),
  metadata: maybe(Type.Record(Type.String(), Type.String({ maxLength: 512 }))),
  parallel_tool_calls: maybe(Type.Boolean()),
  prompt_cache_key: maybe(Type.String()),
  reasoning: maybe(open({ effort: maybe(Type.String()), summary: maybe(oneOf("auto", "concise", "detailed")) })),
  safety_identifier: maybe(Type.String()),
  service_tier: maybe(Type.String()),
  text: maybe(open({ format: maybe(format), verbosity: maybe(oneOf("low", "medium", "high")) })),
  tool_choice: maybe(toolChoice),
  tools: maybe(Type.Array(tool)),
  truncation: maybe(oneOf("auto", "disabled")),
  user: maybe(Type.String()),
});

/** Body of POST /v1/responses, checked. */
export type ResponsesBody = Static<typeof responsesBody>;
