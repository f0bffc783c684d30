import { describe, expect, test } from "vitest";
import { adapters } from "../../adapters/registry.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";

/* Tools in other wrappings than plain functions: in namespaces, of free text, of a vendor's own. */

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

interface Upstream {
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

const chat: Pick<Upstream, "adapter" | "functions" | "answer" | "stream" | "model"> = {
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

const upstreams: readonly Upstream[] = [
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

function exchange({ adapter, flavour, model }: Upstream, dialect: string, body: object, stream = false): Exchange {
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

function bodyOf({ message }: Exchange): Record<string, never> {
  return JSON.parse(Buffer.from(message.body).toString());
}

/** The items of a whole answer, and those of the last event of a stream, which must be the same. */
function itemsOf(upstream: Upstream, body: object, calls: readonly { name: string; input: object }[]) {
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

const parameters = { type: "object", properties: { q: { type: "string" } } };
const search = { type: "function", name: "search", description: "Searches", parameters };
const namespaces = [
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

describe.each(upstreams)("namespaces, to $name", (upstream) => {
  test("their tools are offered under flat names, and their calls come back in their place", () => {
    const asked = exchange(upstream, "openai.responses", { input: "x", tools: namespaces });
    const offered = upstream.functions(
      bodyOf({
        ...asked,
        message: {
          ...asked.message,
          // A vendor that has tools of free text gets them as they are.
          body: Buffer.from(JSON.stringify(withoutCustom(bodyOf(asked)))),
        },
      }),
    );
    expect(offered.map(({ name }) => name)).toEqual([
      ...["exec", "mcp__docs__search", "mcp__docs__read", "mcp__web__search"],
      ...(upstream.name === "OpenAI's chat" ? ["search"] : ["patch", "search"]),
    ]);
    expect(offered[1]?.description).toContain("The documents.");
    const items = itemsOf(upstream, { input: "x", tools: namespaces }, [
      { name: "mcp__docs__search", input: { q: "a" } },
      { name: "mcp__web__search", input: { q: "b" } },
      { name: "search", input: { q: "c" } },
      { name: "exec", input: {} },
    ]);
    expect(items.map(({ name, namespace }) => [name, namespace])).toEqual([
      ["search", "mcp__docs__"],
      ["search", "mcp__web"],
      ["search", "functions"],
      ["exec", undefined],
    ]);
  });

  test("calls of earlier turns go under the same names", () => {
    const turn = (namespace: string | undefined, name: string, id: string) => [
      { type: "function_call", call_id: id, name, ...(namespace === undefined ? {} : { namespace }), arguments: "{}" },
      { type: "function_call_output", call_id: id, output: "ok" },
    ];
    const input = [
      { role: "user", content: "x" },
      ...turn("mcp__docs__", "search", "a"),
      ...turn("mcp__gone", "search", "b"),
      ...turn(undefined, "exec", "c"),
    ];
    const text = JSON.stringify(bodyOf(exchange(upstream, "openai.responses", { input, tools: namespaces })));
    for (const name of ["mcp__docs__search", "mcp__gone__search", "exec"]) expect(text).toContain(`"${name}"`);
  });

  test("a choice of one tool or of a namespace holds", () => {
    const chosen = { type: "function", name: "search", namespace: "mcp__web" };
    const named = exchange(upstream, "openai.responses", { input: "x", tools: namespaces, tool_choice: chosen });
    expect(JSON.stringify(bodyOf(named))).toContain('"mcp__web__search"');
    const group = { type: "allowed_tools", mode: "required", tools: [{ type: "namespace", name: "mcp__docs__" }] };
    const allowed = exchange(upstream, "openai.responses", { input: "x", tools: namespaces, tool_choice: group });
    expect(upstream.functions(bodyOf(allowed)).map(({ name }) => name)).toEqual([
      "mcp__docs__search",
      "mcp__docs__read",
    ]);
  });

  test("two tools never have one flat name", () => {
    const tools = [
      { type: "function", name: "a__b", parameters },
      { type: "namespace", name: "a", tools: [{ ...search, name: "b" }] },
    ];
    const names = upstream.functions(bodyOf(exchange(upstream, "openai.responses", { input: "x", tools })));
    expect(names.map(({ name }) => name)).toEqual(["a__b", "a__b_2"]);
    const [item] = itemsOf(upstream, { input: "x", tools }, [{ name: "a__b_2", input: {} }]);
    expect(item).toMatchObject({ name: "b", namespace: "a" });
  });
});

function withoutCustom(body: Record<string, never>): object {
  const { tools = [] } = body as { tools?: { type?: string }[] };
  return { ...body, tools: tools.filter(({ type }) => type !== "custom") };
}

describe.each(upstreams)("tools of free text, to $name", (upstream) => {
  const patch = "*** Begin Patch\n+hello\n*** End Patch";
  const grammar = { type: "grammar", syntax: "lark", definition: "start: begin_patch hunk+" };
  const tools = [{ type: "custom", name: "apply_patch", description: "Edits files.", format: grammar }];
  const isNative = upstream.name === "OpenAI's chat";

  test.skipIf(isNative)("a grammar is told in words, and the text comes back as text", () => {
    const input = [
      { role: "user", content: "x" },
      { type: "custom_tool_call", call_id: "a", name: "apply_patch", input: patch },
      { type: "custom_tool_call_output", call_id: "a", output: "done" },
    ];
    const asked = exchange(upstream, "openai.responses", { input, tools });
    expect(asked.notes).toContainEqual(expect.stringMatching(/tools\[0\]\.format told in words/));
    const [offered] = upstream.functions(bodyOf(asked));
    expect(offered?.description).toContain("Edits files.");
    expect(offered?.description).toContain(grammar.definition);
    const [item] = itemsOf(upstream, { input, tools }, [{ name: "apply_patch", input: { input: patch } }]);
    expect(item).toMatchObject({ type: "custom_tool_call", name: "apply_patch", input: patch });
  });

  test.skipIf(!isNative)("a vendor that has them gets them as they are", () => {
    const asked = exchange(upstream, "openai.responses", { input: "x", tools });
    expect(bodyOf(asked).tools).toEqual([
      {
        type: "custom",
        custom: {
          ...{ name: "apply_patch", description: "Edits files." },
          format: { type: "grammar", grammar: { syntax: "lark", definition: grammar.definition } },
        },
      },
    ]);
  });
});

test("chat passed through: a vendor without tools of free text gets functions, and the client hears free text", () => {
  const [vllm, openai] = upstreams;
  if (vllm === undefined || openai === undefined) throw new Error("no upstream");
  const call = { id: "a", type: "custom", custom: { name: "run", input: "print(1)" } };
  const body = {
    tools: [{ type: "custom", custom: { name: "run", description: "Runs code" } }],
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "a", content: "1" },
    ],
  };
  const asked = exchange(vllm, "openai.chat", body);
  expect(vllm.functions(bodyOf(asked)).map(({ name }) => name)).toEqual(["run"]);
  expect(bodyOf(asked).messages).toMatchObject([
    {},
    { tool_calls: [{ type: "function", function: { name: "run", arguments: '{"input":"print(1)"}' } }] },
    {},
  ]);
  const answer = vllm.answer([{ name: "run", input: { input: "print(2)" } }]);
  const heard = JSON.parse(Buffer.from(asked.whole(Buffer.from(JSON.stringify(answer)), moments).body).toString());
  expect(heard.choices[0].message.tool_calls).toMatchObject([
    { type: "custom", custom: { name: "run", input: "print(2)" } },
  ]);
  expect(bodyOf(exchange(openai, "openai.chat", body)).tools).toEqual(body.tools);
});

/** A vendor's own tools, as clients of each dialect name them, and a choice that insists on each. */
const hosted = [
  {
    dialect: "openai.responses",
    tool: { type: "code_interpreter", container: { type: "auto" } },
    choice: { type: "code_interpreter" },
  },
  {
    dialect: "openai.responses",
    tool: { type: "mcp", server_label: "x", server_url: "https://x" },
    choice: { type: "mcp", server_label: "x" },
  },
  { dialect: "openai.responses", tool: { type: "image_generation" }, choice: { type: "image_generation" } },
  { dialect: "openai.responses", tool: { type: "tool_search", execution: "client" }, choice: "required" },
  {
    dialect: "anthropic.messages",
    tool: { type: "code_execution_20250825", name: "code_execution" },
    choice: { type: "tool", name: "code_execution" },
  },
  { dialect: "anthropic.messages", tool: { type: "web_fetch_20250910", name: "web_fetch" }, choice: { type: "any" } },
  { dialect: "openai.chat", tool: { type: "builtin_function", function: { name: "$web_search" } }, choice: "required" },
] as const;

describe.each(
  hosted.flatMap((one) => upstreams.map((upstream) => ({ ...one, upstream, shown: one.tool.type, to: upstream.name }))),
)("$shown of $dialect, to $to", ({ dialect, tool, choice, upstream }) => {
  const isOwn =
    (dialect === "openai.chat" && upstream.adapter === "openai") ||
    (dialect === "anthropic.messages" && upstream.adapter === "anthropic");
  const said =
    dialect === "openai.responses" ? { input: "x" } : { max_tokens: 9, messages: [{ role: "user", content: "x" }] };
  const plain = {
    "openai.responses": { type: "function", name: "f", parameters },
    "anthropic.messages": { name: "f", input_schema: parameters },
    "openai.chat": { type: "function", function: { name: "f", parameters } },
  }[dialect];

  test.skipIf(isOwn)("it is left out and noted; the client's functions stay", () => {
    const asked = exchange(upstream, dialect, { ...said, tools: [plain, tool] });
    expect(upstream.functions(bodyOf(asked)).map(({ name }) => name)).toEqual(["f"]);
    expect(asked.notes).toContainEqual("tools[1] left out: the upstream has no such tool");
    const alone = exchange(upstream, dialect, { ...said, tools: [tool], tool_choice: undefined });
    expect(bodyOf(alone)).not.toHaveProperty("tools");
  });

  test.skipIf(isOwn)("where the choice insists on it the request is refused by its path", () => {
    expect(() => exchange(upstream, dialect, { ...said, tools: [tool], tool_choice: choice })).toThrow(
      expect.objectContaining({ code: "invalid_value", param: "tools[0]" }),
    );
  });
});

describe.each(upstreams)("search of the web by responses, to $name", (upstream) => {
  const tools = [
    { type: "function", name: "f", parameters },
    { type: "web_search", external_web_access: false },
  ];

  test("one that must not reach the web is no search", () => {
    const asked = exchange(upstream, "openai.responses", { input: "x", tools });
    expect(JSON.stringify(bodyOf(asked))).not.toMatch(/search/i);
    expect(asked.notes).toContainEqual(expect.stringContaining("tools[1] left out"));
    const insists = { input: "x", tools, tool_choice: { type: "web_search" } };
    expect(() => exchange(upstream, "openai.responses", insists)).toThrow(
      expect.objectContaining({ param: "tools[1]" }),
    );
  });
});

test("Gemini 2.5 calls functions and leaves out a search beside them, unless the client insists on it", () => {
  const gemini = upstreams.find(({ adapter }) => adapter === "gemini");
  if (gemini === undefined) throw new Error("no upstream");
  const tools = [{ type: "function", name: "f", parameters }, { type: "web_search" }];
  const asked = exchange(gemini, "openai.responses", { input: "x", tools });
  expect(bodyOf(asked).tools).toHaveLength(1);
  expect(asked.notes).toContainEqual(expect.stringContaining("search of the web left out"));
  const insists = { input: "x", tools, tool_choice: { type: "web_search" } };
  expect(() => exchange(gemini, "openai.responses", insists)).toThrow(
    expect.objectContaining({ code: "invalid_value" }),
  );
  expect(bodyOf(exchange(gemini, "openai.responses", { input: "x", tools: [tools[1]] })).tools).toEqual([
    { googleSearch: {} },
  ]);
});

test.each(upstreams.filter(({ adapter }) => adapter !== "anthropic"))(
  "tools that Anthropic's clients carry out are functions to $name",
  (upstream) => {
    const tools = [
      { type: "bash_20250124", name: "bash" },
      { type: "text_editor_20250728", name: "str_replace_based_edit_tool", max_characters: 1_000 },
      { type: "memory_20250818", name: "memory" },
    ];
    const asked = exchange(upstream, "anthropic.messages", {
      ...{ max_tokens: 9, messages: [{ role: "user", content: "x" }], tools },
      tool_choice: { type: "tool", name: "bash" },
    });
    expect(upstream.functions(bodyOf(asked)).map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
    expect(JSON.stringify(bodyOf(asked))).toContain('"restart"');
  },
);

test.each([
  [{ vendor: "openai" }, "/responses"],
  [{ vendor: "vllm", responses: true }, "/chat/completions"],
])("a vendor of %j that speaks responses is asked for tools in wrappings at %s", (flavour, path) => {
  const upstream = { ...chat, name: "", flavour, model: "m" };
  const [plain, ...wrapped] = [namespaces.slice(0, 1), namespaces.slice(1, 2), [{ type: "custom", name: "patch" }]];
  expect(exchange(upstream, "openai.responses", { input: "x", tools: plain }).message.path).toBe("/responses");
  for (const tools of wrapped) {
    expect(exchange(upstream, "openai.responses", { input: "x", tools }).message.path).toBe(path);
  }
});
