import { describe, expect, test } from "vitest";
import { bodyOf, exchange, itemsOf, moments, upstreams } from "../../testing-tools.ts";

/* Tools that take free text in place of arguments. */

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
