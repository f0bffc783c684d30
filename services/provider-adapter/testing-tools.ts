import { expect } from "vitest";
import { adapters } from "./adapters/registry.ts";
import type { Asked, Exchange } from "./domain/exchange.ts";

/** Moments of an answer, in microseconds; no test of tools reads them. */
export const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

/** A wire format of an upstream that calls functions. */
export interface Upstream {
  readonly name: string;
  readonly adapter: string;
  readonly flavour: object;
  readonly model: string;
  /** The names, descriptions and schemas of the functions that are offered. */
  functions(body: Record<string, never>): { name: string; description?: string }[];
  /** An answer that calls functions, and the events of such a stream. */
  answer(calls: readonly { name: string; input: object }[]): object;
  stream(calls: readonly { name: string; input: object }[]): readonly object[];
}

/** An upstream that speaks OpenAI's chat, but for its name and flavour. */
export const chat: Pick<Upstream, "adapter" | "functions" | "answer" | "stream" | "model"> = {
  adapter: "openai",
  model: "m",
  functions: ({ tools = [] }) =>
    (tools as { type: string; function: { name: string } }[]).map((tool) => {
      expect(tool.type).toBe("function");
      return tool.function;
    }),
  answer: (calls) => ({
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: null,
          tool_calls: calls.map(({ name, input }, index) => ({
            ...{ id: `c${index}`, type: "function", function: { name, arguments: JSON.stringify(input) } },
          })),
        },
        finish_reason: "tool_calls",
      },
    ],
  }),
  stream: (calls) => [
    ...calls.map(({ name, input }, index) => ({
      id: "x",
      choices: [
        {
          index: 0,
          delta: {
            tool_calls: [
              { index, id: `c${index}`, type: "function", function: { name, arguments: JSON.stringify(input) } },
            ],
          },
          finish_reason: null,
        },
      ],
    })),
    { id: "x", choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
  ],
};

/** Every upstream that tools are translated for. */
export const upstreams: readonly Upstream[] = [
  { name: "vLLM", flavour: { vendor: "vllm" }, ...chat },
  { name: "OpenAI's chat", flavour: { vendor: "openai", responses: false }, ...chat },
  {
    name: "Anthropic",
    adapter: "anthropic",
    flavour: {},
    model: "claude-sonnet-4-5",
    functions: ({ tools = [] }) => tools as { name: string }[],
    answer: (calls) => ({
      ...{ id: "m", type: "message", role: "assistant", stop_reason: "tool_use" },
      content: calls.map(({ name, input }, index) => ({ type: "tool_use", id: `c${index}`, name, input })),
    }),
    stream: (calls) => [
      { type: "message_start", message: { id: "m", content: [] } },
      ...calls.flatMap(({ name, input }, index) => [
        { type: "content_block_start", index, content_block: { type: "tool_use", id: `c${index}`, name, input } },
        { type: "content_block_stop", index },
      ]),
      { type: "message_delta", delta: { stop_reason: "tool_use" } },
      { type: "message_stop" },
    ],
  },
  {
    name: "Gemini",
    adapter: "gemini",
    flavour: {},
    model: "gemini-2.5-flash",
    functions: ({ tools = [] }) =>
      (tools as { functionDeclarations: { name: string }[] }[]).flatMap((tool) => tool.functionDeclarations ?? []),
    answer: (calls) => ({
      candidates: [
        {
          content: { parts: calls.map(({ name, input }) => ({ functionCall: { name, args: input } })) },
          finishReason: "STOP",
        },
      ],
    }),
    stream: (calls) => [
      {
        candidates: [
          {
            content: { parts: calls.map(({ name, input }) => ({ functionCall: { name, args: input } })) },
            finishReason: "STOP",
          },
        ],
      },
    ],
  },
];

/** What an upstream is asked for where a client asks for `body` in a dialect. */
export function exchange(
  { adapter, flavour, model }: Upstream,
  dialect: string,
  body: object,
  stream = false,
): Exchange {
  const asked: Asked = {
    requestId: 7n,
    model: "m",
    upstreamModel: model,
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

/** The body that goes upstream. */
export function bodyOf({ message }: Exchange): Record<string, never> {
  return JSON.parse(Buffer.from(message.body).toString());
}

/** The items of a whole answer, and those of the last event of a stream, which must be the same. */
export function itemsOf(upstream: Upstream, body: object, calls: readonly { name: string; input: object }[]) {
  const asked = exchange(upstream, "openai.responses", body);
  const whole = JSON.parse(
    Buffer.from(asked.whole(Buffer.from(JSON.stringify(upstream.answer(calls))), moments).body).toString(),
  ).output as Record<string, unknown>[];
  const translation = exchange(upstream, "openai.responses", body, true).stream();
  let text = "";
  for (const event of upstream.stream(calls)) {
    const type: unknown = Reflect.get(event, "type");
    text += translation.event({ data: JSON.stringify(event), ...(typeof type === "string" ? { event: type } : {}) });
  }
  text += translation.end(moments);
  const events = text
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice("data: ".length)));
  const plain = (items: Record<string, unknown>[]) => items.map(({ call_id: _id, ...item }) => item);
  expect(plain(events.at(-1).response.output)).toEqual(plain(whole));
  const added = events.filter(({ type }) => type === "response.output_item.added").map(({ item }) => item);
  expect(added.map(({ name, namespace }) => [name, namespace])).toEqual(
    whole.map(({ name, namespace }) => [name, namespace]),
  );
  return whole;
}

/** The schema of a function that takes one text. */
export const parameters = { type: "object", properties: { q: { type: "string" } } };

/** A function that searches, as responses name it. */
export const search = { type: "function", name: "search", description: "Searches", parameters };

/** Tools of responses, one of them plain and the others in three namespaces. */
export const namespaces = [
  { type: "function", name: "exec", parameters },
  {
    type: "namespace",
    name: "mcp__docs__",
    description: "The documents.",
    tools: [search, { ...search, name: "read" }],
  },
  { type: "namespace", name: "mcp__web", tools: [search] },
  { type: "namespace", name: "functions", tools: [{ type: "custom", name: "patch" }, search] },
];
