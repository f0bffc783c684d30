import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adapters } from "../../adapters/registry.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";

/* Names of tools and IDs of calls between every client and every vendor that bounds them, whole and streamed. */

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

interface Conversation {
  readonly name: string;
  readonly id: string;
}

/** A request that offers a tool, and in which it was called once. */
const requests: Readonly<Record<string, (conversation: Conversation) => object>> = {
  "openai.chat": ({ name, id }) => ({
    tools: [{ type: "function", function: { name, parameters: { type: "object", properties: {} } } }],
    tool_choice: { type: "function", function: { name } },
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content: null, tool_calls: [{ id, type: "function", function: { name, arguments: "{}" } }] },
      { role: "tool", tool_call_id: id, content: "y" },
    ],
  }),
  "anthropic.messages": ({ name, id }) => ({
    max_tokens: 9,
    tools: [{ name, input_schema: { type: "object", properties: {} } }],
    tool_choice: { type: "tool", name },
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content: [{ type: "tool_use", id, name, input: { name: "John Smith" } }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: "y" }] },
    ],
  }),
  "openai.responses": ({ name, id }) => ({
    tools: [{ type: "function", name, parameters: { type: "object", properties: {} } }],
    tool_choice: { type: "function", name },
    input: [
      { role: "user", content: "x" },
      { type: "function_call", call_id: id, name, arguments: "{}" },
      { type: "function_call_output", call_id: id, output: "y" },
    ],
  }),
};

interface Sent {
  readonly names: readonly string[];
  readonly ids: readonly string[];
}

interface Format {
  /** The labels of a body. */
  labels(body: Readonly<Record<string, unknown>>): Sent;
  /** An answer that calls the tool of this name. */
  answer(name: string): object;
  stream(name: string): readonly object[];
}

const chatCall = (name: string) => ({ id: "call_new", type: "function", function: { name, arguments: "{}" } });
const formats: Readonly<Record<string, Format>> = {
  chat: {
    labels: ({ tools, tool_choice, messages }) => {
      const [, { tool_calls: [call] = [] } = {}, result] = messages as { tool_calls?: ReturnType<typeof chatCall>[] }[];
      const [tool] = tools as ReturnType<typeof chatCall>[];
      const choice = tool_choice as ReturnType<typeof chatCall>;
      return {
        names: [tool?.function.name, choice.function.name, call?.function.name].map(String),
        ids: [call?.id, Reflect.get(result ?? {}, "tool_call_id")].map(String),
      };
    },
    answer: (name) => ({
      choices: [{ index: 0, message: { content: null, tool_calls: [chatCall(name)] }, finish_reason: "tool_calls" }],
    }),
    stream: (name) => [
      {
        id: "c",
        choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...chatCall(name) }] }, finish_reason: null }],
      },
      { id: "c", choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
    ],
  },
  messages: {
    labels: ({ tools, tool_choice, messages }) => {
      const [, called, answered] = messages as { content: Record<string, string>[] }[];
      const [tool] = tools as Record<string, string>[];
      return {
        names: [tool?.name, Reflect.get(Object(tool_choice), "name"), called?.content[0]?.name].map(String),
        ids: [called?.content[0]?.id, answered?.content[0]?.tool_use_id].map(String),
      };
    },
    answer: (name) => ({
      ...{ id: "m", type: "message", role: "assistant", stop_reason: "tool_use" },
      content: [{ type: "tool_use", id: "toolu_new", name, input: {} }],
    }),
    stream: (name) => [
      { type: "message_start", message: { id: "m", content: [] } },
      { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "toolu_new", name, input: {} } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "tool_use" } },
      { type: "message_stop" },
    ],
  },
  gemini: {
    labels: ({ tools, toolConfig, contents }) => {
      const [{ functionDeclarations: [tool] = [] } = {}] = tools as { functionDeclarations?: { name: string }[] }[];
      const { functionCallingConfig } = toolConfig as { functionCallingConfig: { allowedFunctionNames: string[] } };
      const parts = (contents as { parts: Record<string, { name: string; id: string }>[] }[]).flatMap(
        (one) => one.parts,
      );
      const call = parts.find((part) => part.functionCall)?.functionCall;
      const result = parts.find((part) => part.functionResponse)?.functionResponse;
      return {
        names: [tool?.name, functionCallingConfig.allowedFunctionNames[0], call?.name, result?.name].map(String),
        ids: [call?.id, result?.id].map(String),
      };
    },
    answer: (name) => ({
      candidates: [{ content: { parts: [{ functionCall: { name, args: {} } }] }, finishReason: "STOP" }],
    }),
    stream: (name) => [formats.gemini?.answer(name) ?? {}],
  },
  responses: {
    labels: ({ tools, tool_choice, input }) => {
      const [, call, result] = input as Record<string, string>[];
      const [tool] = tools as Record<string, string>[];
      return {
        names: [tool?.name, Reflect.get(Object(tool_choice), "name"), call?.name].map(String),
        ids: [call?.call_id, result?.call_id].map(String),
      };
    },
    answer: (name) => ({
      ...{ id: "r", object: "response", status: "completed" },
      output: [{ type: "function_call", id: "fc", call_id: "call_new", name, arguments: "{}" }],
    }),
    stream: (name) => {
      const item = { type: "function_call", id: "fc", call_id: "call_new", name, arguments: "{}" };
      return [
        { type: "response.created", response: { id: "r", output: [], tools: [{ type: "function", name }] } },
        { type: "response.output_item.added", output_index: 0, item: { ...item, arguments: "" } },
        { type: "response.function_call_arguments.done", output_index: 0, item_id: "fc", name, arguments: "{}" },
        { type: "response.output_item.done", output_index: 0, item },
        { type: "response.completed", response: { id: "r", status: "completed", output: [item] } },
      ];
    },
  },
};

const openaiName = /^[a-zA-Z0-9_-]{1,64}$/;
const any = /^[\s\S]+$/;
const vendors = [
  {
    vendor: "openai",
    adapter: "openai",
    flavour: { vendor: "openai", responses: false },
    format: "chat",
    names: openaiName,
    ids: /^.{1,40}$/s,
  },
  {
    vendor: "mistral",
    adapter: "openai",
    flavour: { vendor: "mistral" },
    format: "chat",
    names: openaiName,
    ids: /^[a-zA-Z0-9]{9}$/,
  },
  {
    vendor: "moonshot",
    adapter: "openai",
    flavour: { vendor: "moonshot" },
    format: "chat",
    names: /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/,
    ids: any,
  },
  { vendor: "vllm", adapter: "openai", flavour: { vendor: "vllm" }, format: "chat", names: any, ids: any },
  {
    vendor: "anthropic",
    adapter: "anthropic",
    flavour: {},
    format: "messages",
    names: /^[a-zA-Z0-9_-]{1,128}$/,
    ids: /^[a-zA-Z0-9_-]+$/,
  },
  {
    vendor: "google",
    adapter: "gemini",
    flavour: {},
    format: "gemini",
    names: /^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/,
    ids: any,
  },
] as const;
const pairs = [
  ...Object.keys(requests).flatMap((dialect) => vendors.map((vendor) => ({ dialect, ...vendor }))),
  {
    ...{ dialect: "openai.responses", vendor: "openai's responses", adapter: "openai", flavour: { vendor: "openai" } },
    ...{ format: "responses", names: openaiName, ids: /^.{1,64}$/s },
  },
] as const;

function exchange(dialect: string, adapter: string, flavour: object, body: object, stream: boolean): Exchange {
  const asked: Asked = {
    requestId: 7n,
    model: "m",
    upstreamModel: "some-model",
    control: "",
    stream,
    includeUsage: false,
    body: Buffer.from(JSON.stringify({ model: "m", ...body })),
    headers: {},
    createdUnixS: 1,
    keepResponse: true,
  };
  const made = adapters[adapter]?.open(JSON.stringify(flavour)).exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return made;
}

const conversation = fc.record({
  name: fc.oneof(
    fc.stringMatching(/^[a-zA-Z0-9_.:-]{1,140}$/),
    fc.constantFrom("read_file", `mcp__plugin__${"search_".repeat(12)}now`, "mcp.docs/search", "naïve", 'quo"te'),
  ),
  id: fc.oneof(
    fc.stringMatching(/^[a-zA-Z0-9_.:-]{1,90}$/),
    fc.constantFrom("toolu_01A2b3C4d5", "functions.bash:0", "call_PTLP8xhu3uwZk4l3nlnrrJha"),
  ),
});

describe.each(pairs)("$dialect to $vendor", ({ dialect, adapter, flavour, format, names, ids }) => {
  const { labels, answer, stream } = formats[format] ?? {};

  test("names and IDs are taken, one call stays one, and the client's name comes back", () => {
    fc.assert(
      fc.property(conversation, fc.boolean(), (given, streams) => {
        const asked = exchange(dialect, adapter, flavour, requests[dialect]?.(given) ?? {}, streams);
        const body = JSON.parse(Buffer.from(asked.message.body).toString());
        const sent = labels?.(body);
        const [name = ""] = sent?.names ?? [];
        for (const one of sent?.names ?? []) expect(one).toBe(name);
        expect(name).toMatch(names);
        expect(sent?.ids[0]).toBe(sent?.ids[1]);
        expect(sent?.ids[0]).toMatch(ids);
        if (names.test(given.name)) expect(name).toBe(given.name);
        const heard = streams ? streamed(asked, stream?.(name) ?? []) : whole(asked, answer?.(name) ?? {});
        expect(namesIn(heard)).toEqual([given.name]);
      }),
      { numRuns: 60 },
    );
  });
});

function whole(asked: Exchange, answer: object): string {
  return Buffer.from(asked.whole(Buffer.from(JSON.stringify(answer)), moments).body).toString();
}

function streamed(asked: Exchange, events: readonly object[]): string {
  const translation = asked.stream();
  let text = "";
  for (const event of events) {
    const type: unknown = Reflect.get(event, "type");
    text += translation.event({ data: JSON.stringify(event), ...(typeof type === "string" ? { event: type } : {}) });
  }
  text += translation.end(moments);
  // The answer that history keeps has the client's names, too.
  const kept = Buffer.from(translation.document(moments).body).toString();
  expect(namesIn(kept)).toEqual(namesIn(text));
  return text;
}

/** The names of tools in an answer, whatever its dialect. */
function namesIn(text: string): unknown[] {
  const found = new Set<unknown>();
  for (const line of text.split("\n")) {
    const json = line.replace(/^data: /, "");
    if (!json.startsWith("{")) continue;
    JSON.parse(json, (key, value: unknown) => {
      if (key === "name" && typeof value === "string") found.add(value);
      return value;
    });
  }
  return [...found];
}
