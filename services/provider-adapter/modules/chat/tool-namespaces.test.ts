import { describe, expect, test } from "vitest";
import { bodyOf, chat, exchange, itemsOf, namespaces, parameters, search, upstreams } from "../../testing-tools.ts";

/* Tools of responses that stand in namespaces, and what a vendor that speaks responses itself is asked. */

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
