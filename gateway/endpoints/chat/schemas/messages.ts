import { type Static, Type } from "typebox";
import { anyObject, byType, maybe, modelName, oneOf, open, tokenCeiling } from "../../schemas/json.ts";

/*
 * POST /v1/messages in both API versions that are live, 2023-06-01 and 2026-10-21 (@anthropic-ai/sdk 0.137 and 1.11,
 * resources/messages/messages.d.ts). What differs between the versions is checked in domain/check-messages.ts. Block and
 * tool types that are not listed are the vendor's newer ones: they pass as they are.
 */

const cacheControl = maybe(open({ type: Type.String(), ttl: maybe(Type.String()) }));

const source = byType({
  base64: open({ media_type: Type.String({ minLength: 1 }), data: Type.String({ minLength: 1 }) }),
  url: open({ url: Type.String({ minLength: 1 }) }),
  file: open({ file_id: Type.String({ minLength: 1 }) }),
  text: open({ data: Type.String() }),
  content: open({ content: Type.Union([Type.String(), Type.Array(anyObject)]) }),
});

const image = open({ source, cache_control: cacheControl });
const document = open({
  source,
  title: maybe(Type.String()),
  context: maybe(Type.String()),
  citations: maybe(anyObject),
});
const text = open({ text: Type.String(), cache_control: cacheControl, citations: maybe(Type.Array(anyObject)) });

const block = byType({
  text,
  image,
  document,
  tool_use: open({ id: Type.String({ minLength: 1 }), name: Type.String({ minLength: 1 }), input: anyObject }),
  tool_result: open({
    tool_use_id: Type.String({ minLength: 1 }),
    content: maybe(Type.Union([Type.String(), Type.Array(byType({ text, image, document }))])),
    is_error: maybe(Type.Boolean()),
  }),
  thinking: open({ thinking: Type.String(), signature: Type.String() }),
  redacted_thinking: open({ data: Type.String() }),
});

const message = open({
  role: oneOf("user", "assistant", "system"),
  content: Type.Union([Type.String(), Type.Array(block)]),
});

const customTool = open({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  description: maybe(Type.String()),
  input_schema: open({
    type: oneOf("object"),
    properties: maybe(anyObject),
    required: maybe(Type.Array(Type.String())),
  }),
  cache_control: cacheControl,
});

const toolChoice = byType({
  auto: open({ disable_parallel_tool_use: maybe(Type.Boolean()) }),
  any: open({ disable_parallel_tool_use: maybe(Type.Boolean()) }),
  tool: open({ name: Type.String({ minLength: 1 }), disable_parallel_tool_use: maybe(Type.Boolean()) }),
});

const thinking = byType({
  enabled: open({ budget_tokens: Type.Integer({ minimum: 1_024 }), display: maybe(oneOf("summarized", "omitted")) }),
  adaptive: open({ display: maybe(oneOf("summarized", "omitted")) }),
});

const common = {
  model: modelName,
  messages: Type.Array(message, { minItems: 1, maxItems: 100_000 }),
  system: maybe(Type.Union([Type.String(), Type.Array(byType({ text }))])),
  tools: maybe(Type.Array(byType({ custom: customTool }, customTool))),
  tool_choice: maybe(toolChoice),
  thinking: maybe(thinking),
  output_config: maybe(
    open({
      effort: maybe(oneOf("low", "medium", "high", "xhigh", "max")),
      format: maybe(byType({ json_schema: open({ schema: anyObject }) })),
    }),
  ),
  cache_control: cacheControl,
};

/** Body of POST /v1/messages. */
export const messagesBody = open({
  ...common,
  // 0 only warms the prompt cache.
  max_tokens: tokenCeiling(0),
  stream: maybe(Type.Boolean()),
  stop_sequences: maybe(Type.Array(Type.String())),
  temperature: maybe(Type.Number({ minimum: 0, maximum: 1 })),
  top_p: maybe(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: maybe(Type.Integer({ minimum: 0 })),
  metadata: maybe(open({ user_id: maybe(Type.String({ maxLength: 512 })) })),
  service_tier: maybe(oneOf("auto", "standard_only")),
  speed: maybe(oneOf("standard", "fast")),
});

/** Body of POST /v1/messages/count_tokens. */
export const countTokensBody = open(common);

/** Body of POST /v1/messages, checked. */
export type MessagesBody = Static<typeof messagesBody>;

/** Body of POST /v1/messages/count_tokens, checked. */
export type CountTokensBody = Static<typeof countTokensBody>;
