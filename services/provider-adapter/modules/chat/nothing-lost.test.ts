import { describe, expect, test } from "vitest";
import { adapters } from "../../adapters/registry.ts";

/*
 * Nothing that a client says is lost in silence, also inside of messages, tools and settings: it is in what goes upstream, or
 * the record of the request says that it was dropped.
 */

const upstreams = [
  { adapter: "openai", flavour: '{"vendor":"vllm"}', model: "m", own: "openai.chat" },
  { adapter: "openai", flavour: '{"chat":false,"responses":true}', model: "gpt-5", own: "openai.responses" },
  { adapter: "anthropic", flavour: "", model: "claude-opus-4-8", own: "anthropic.messages" },
  { adapter: "gemini", flavour: "", model: "gemini-3-pro", own: "gemini" },
  {
    adapter: "bedrock",
    flavour: '{"region":"eu-west-1"}',
    model: "anthropic.claude-sonnet-4-5-20250929-v1:0",
    own: "",
  },
];

const schema = { type: "object", properties: {} };
const user = (...content: object[]) => ({ role: "user", content });
const png = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
const pdf = { type: "base64", media_type: "application/pdf", data: "JVBERi0=" };
const words = { type: "text", media_type: "text/plain", data: "words" };
const breakpoint = { prompt_cache_breakpoint: { mode: "explicit" } };
const documented = (more: object, source: object = words) => ({
  messages: [user({ type: "document", source, ...more }, { type: "text", text: "x" })],
});
const dataUrl = `data:image/png;base64,${png.data}`;
const described = { name: "n", description: "the-description", schema: { ...schema, description: "its own" } };
const search = (more: object) => ({ tools: [{ type: "web_search_20250305", name: "web_search", ...more }] });
const tool = (more: object) => ({ tools: [{ name: "f", input_schema: schema, ...more }] });
const listed = (more: object) => ({ tools: [{ type: "function", name: "f", parameters: schema, ...more }] });

/** What is added to a plain request, and the words that must be found again. */
const cases: Readonly<Record<string, readonly (readonly [said: object, mark: RegExp])[]>> = {
  "anthropic.messages": [
    [documented({ title: "the-title" }), /the-title/],
    [documented({ context: "the-context" }), /the-context/],
    [documented({ context: "the-context" }, pdf), /the-context/],
    [documented({ title: "the-title" }, pdf), /the-title|the name of the file dropped/],
    [documented({ citations: { enabled: true } }), /citations/],
    [{ messages: [user({ type: "image", source: png, transformations: {} })] }, /transformations/],
    [tool({ input_examples: [{}] }), /input_examples/],
    [tool({ defer_loading: true }), /defer_loading/],
    [tool({ allowed_callers: ["direct"] }), /allowed_callers/],
    [{ output_config: { task_budget: { type: "tokens", total: 9 } } }, /task_budget/],
    [{ output_config: { effort: "high" } }, /effort/],
    [{ output_config: { effort: "high" }, thinking: { type: "disabled" } }, /effort/],
    [search({ max_uses: 3 }), /max_uses|max_tool_calls|search of the web left out|tools left out/],
    [search({ blocked_domains: ["the-domain.test"] }), /the-domain|left out|takes no list/],
  ],
  "openai.chat": [
    [{ tools: [{ type: "function", function: { name: "f", parameters: schema, extra: 1 } }] }, /extra/],
    [{ messages: [user({ type: "text", text: "x", ...breakpoint })] }, /cache_control|cachePoint/],
    [{ response_format: { type: "json_schema", json_schema: described } }, /the-description/],
    [{ messages: [user({ type: "image_url", image_url: { url: dataUrl, detail: "high" } })] }, /detail/],
    [
      { messages: [user({ type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=", extra: 1 } })] },
      /extra/,
    ],
  ],
  "openai.responses": [
    [{ input: [user({ type: "input_text", text: "x", ...breakpoint })] }, /cache_control|cachePoint/],
    [{ text: { format: { type: "json_schema", ...described } } }, /the-description/],
    [{ input: [user({ type: "input_image", image_url: dataUrl, detail: "low" })] }, /detail/],
    [listed({ output_schema: {} }), /output_schema/],
    [listed({ defer_loading: true }), /defer_loading/],
    [{ reasoning: { effort: "low", mode: "pro" } }, /mode/],
  ],
};

function asked(dialect: string, { adapter, flavour, model }: (typeof upstreams)[number], said: object) {
  const plain =
    dialect === "openai.responses"
      ? { input: "x" }
      : { max_tokens: 2_000, messages: [user({ type: "text", text: "x" })] };
  try {
    return written(dialect, { adapter, flavour, model }, { ...plain, ...said });
  } catch (refusal) {
    return { body: String(refusal), notes: [] };
  }
}

function written(dialect: string, { adapter, flavour, model }: Omit<(typeof upstreams)[number], "own">, body: object) {
  const exchange = adapters[adapter]?.open(flavour).exchanges[dialect]?.({
    ...{ requestId: 1n, model, upstreamModel: model, control: "", includeUsage: false, headers: {} },
    ...{ createdUnixS: 0, keepResponse: false, stream: false },
    body: Buffer.from(JSON.stringify(body)),
  });
  return { body: Buffer.from(exchange?.message.body ?? "").toString(), notes: exchange?.notes ?? [] };
}

describe.each(Object.entries(cases))("%s", (dialect, all) => {
  const ways = upstreams.filter(({ own }) => own !== dialect);
  const rows = all.flatMap(([said, mark]) => ways.map((upstream) => ({ upstream, said, mark })));
  test.each(rows)("$said to $upstream.own", ({ upstream, said, mark }) => {
    const { body, notes } = asked(dialect, upstream, said);
    expect(body + notes.join("\n")).toMatch(mark);
  });
});

test("what is dropped of many tools is told once", () => {
  const tools = Array.from({ length: 60 }, (_, n) => ({ name: `f${n}`, input_schema: schema, defer_loading: true }));
  const gemini = { adapter: "gemini", flavour: "", model: "gemini-3-pro", own: "gemini" };
  expect(asked("anthropic.messages", gemini, { tools }).notes).toEqual([
    "tools[].defer_loading dropped: the upstream's format has no such field",
  ]);
});

test.each(upstreams.filter(({ own }) => own !== "anthropic.messages"))(
  "a request that only warms a cache asks for one token of $own",
  (upstream) => {
    const { body, notes } = asked("anthropic.messages", upstream, { max_tokens: 0 });
    expect(body).toMatch(/"(max_tokens|max_output_tokens|maxOutputTokens|maxTokens)":1[,}]/);
    expect(notes).toEqual([expect.stringMatching(/^max_tokens raised to 1/)]);
  },
);
