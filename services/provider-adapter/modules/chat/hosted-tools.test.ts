import { describe, expect, test } from "vitest";
import { bodyOf, exchange, parameters, upstreams } from "../../testing-tools.ts";

/* Tools that a vendor carries out itself, and those that its clients carry out under names of its own. */

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
