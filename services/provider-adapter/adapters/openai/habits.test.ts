import { describe, expect, test } from "vitest";
import type { Asked } from "../../domain/exchange.ts";
import { adapters } from "../registry.ts";

/* What clients ask of every vendor by habit, and not every vendor has: it is carried, fitted, or left out with a note. */

interface Sent {
  readonly body: Record<string, unknown>;
  readonly notes: readonly string[];
}

const user = [{ role: "user", content: "x" }];

function sent(adapter: string, flavour: object, dialect: string, body: object, more: Partial<Asked> = {}): Sent {
  const asked: Asked = {
    ...{ requestId: 1n, model: "m", upstreamModel: "some-model", control: "", stream: false, includeUsage: false },
    ...{ headers: {}, createdUnixS: 0, keepResponse: false },
    body: Buffer.from(JSON.stringify({ messages: user, max_tokens: 9, ...body })),
    ...more,
  };
  const made = adapters[adapter]?.open(JSON.stringify(flavour)).exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return { body: JSON.parse(Buffer.from(made.message.body).toString()), notes: made.notes };
}

const refused = (param: string) => expect.objectContaining({ code: "invalid_value", param });

describe("a search of the web", () => {
  const tools = [{ type: "web_search_20250305", name: "web_search", max_uses: 8 }];
  const lookup = { name: "lookup", input_schema: { type: "object" } };
  const cannot = [
    ["openai", "gpt-4o"],
    ["azure", "gpt-4o"],
    ["vllm", "qwen"],
    ["ollama", "qwen"],
    ["deepseek", "deepseek-chat"],
    ["moonshot", "kimi-k2"],
    ["zhipu", "glm-4"],
    ["mistral", "mistral-small"],
  ] as const;

  test.each(cannot)("that a model of %s cannot make is left out and noted", (vendor, upstreamModel) => {
    for (const [dialect, body] of [
      ["openai.chat", { web_search_options: {} }],
      ["anthropic.messages", { tools: [...tools, lookup] }],
      ["openai.responses", { input: "x", tools: [{ type: "web_search" }] }],
    ] as const) {
      const { body: upstream, notes } = sent("openai", { vendor, responses: false }, dialect, body, { upstreamModel });
      expect(upstream).not.toHaveProperty("web_search_options");
      expect(notes.join(), dialect).toMatch(/search|web_search_options/);
    }
  });

  test.each(cannot)("that a model of %s cannot make is refused where the client insists", (vendor, upstreamModel) => {
    const insisting = { tools: [...tools, lookup], tool_choice: { type: "tool", name: "web_search" } };
    const ask = (body: object) => () => sent("openai", { vendor }, "anthropic.messages", body, { upstreamModel });
    expect(ask(insisting)).toThrow(refused("tools"));
    expect(ask({ tools, tool_choice: { type: "any" } })).toThrow(refused("tools"));
    const named = () => sent("openai", { vendor }, "openai.chat", {}, { upstreamModel, control: "search" });
    expect(named).toThrow(refused("model"));
  });

  test.each([
    ["openai", "gpt-4o-search-preview", "web_search_options"],
    ["openrouter", "x-ai/grok-4", "web_search_options"],
    ["dashscope", "qwen-plus", "enable_search"],
    [undefined, "some-model", "web_search_options"],
  ])("goes to a model of %s that can: %s", (vendor, upstreamModel, field) => {
    expect(
      sent("openai", { vendor }, "openai.chat", { web_search_options: {} }, { upstreamModel }).body,
    ).toHaveProperty(field);
    expect(sent("openai", { vendor }, "anthropic.messages", { tools }, { upstreamModel }).body).toHaveProperty(field);
  });
});

describe("thinking of earlier turns", () => {
  const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };
  const turns = {
    "openai.chat": {
      messages: [...user, { role: "assistant", content: null, reasoning_content: "hmm", tool_calls: [call] }],
    },
    "anthropic.messages": {
      messages: [
        ...user,
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hmm", signature: "" },
            { type: "tool_use", id: "c", name: "f", input: {} },
          ],
        },
      ],
    },
    "openai.responses": {
      input: [
        ...user,
        { type: "reasoning", summary: [{ type: "summary_text", text: "hmm" }] },
        { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
      ],
    },
  } as const;

  test.each([
    // vLLM from 0.16 on reads the one name, before the other.
    ["vllm", { reasoning: "hmm", reasoning_content: "hmm" }],
    ["ollama", { reasoning: "hmm" }],
    ["deepseek", { reasoning_content: "hmm" }],
  ])("goes back to %s in the fields that it reads", (vendor, fields) => {
    for (const [dialect, body] of Object.entries(turns)) {
      const { body: upstream } = sent("openai", { vendor, responses: false }, dialect, body);
      expect(upstream.messages, dialect).toContainEqual(expect.objectContaining({ role: "assistant", ...fields }));
    }
  });
});

describe("content of other vendors' kinds in a chat", () => {
  const video = { type: "video_url", video_url: { url: "https://example.com/a.mp4" } };
  const audio = { type: "audio_url", audio_url: { url: "data:audio/wav;base64,AAAA" } };
  const ask = (adapter: string, flavour: object, part: object) =>
    sent(adapter, flavour, "openai.chat", { messages: [{ role: "user", content: [part] }] });

  test("goes on where the vendor documents it, and where nothing is known of it", () => {
    for (const vendor of ["vllm", undefined]) {
      for (const part of [video, audio]) {
        expect(ask("openai", { vendor }, part).body.messages).toEqual([{ role: "user", content: [part] }]);
      }
    }
  });

  test("becomes Gemini's own", () => {
    const parts = [{ fileData: { mimeType: "video/mp4", fileUri: "https://example.com/a.mp4" } }];
    expect(ask("gemini", {}, video).body.contents).toEqual([{ role: "user", parts }]);
    const inline = [{ inlineData: { mimeType: "audio/wav", data: "AAAA" } }];
    expect(ask("gemini", {}, audio).body.contents).toEqual([{ role: "user", parts: inline }]);
  });

  test.each([
    ["openai", { vendor: "openai" }],
    ["openai", { vendor: "deepseek" }],
    ["anthropic", {}],
  ])("is refused by its path where the vendor has none: %s %j", (adapter, flavour) => {
    expect(() => ask(adapter, flavour, video)).toThrow(refused("messages[0].content[0]"));
  });

  test("that is only spoken of goes on", () => {
    const text = 'a part {"type": "video_url"} "video_url"';
    const { body } = ask("openai", { vendor: "openai" }, { type: "text", text });
    expect(body.messages).toEqual([{ role: "user", content: [{ type: "text", text }] }]);
  });
});

describe("tools of other vendors in a chat", () => {
  const foreign = { type: "builtin_function", function: { name: "$web_search" } };
  const own = { type: "function", function: { name: "f", parameters: {} } };
  const ask = (vendor: string | undefined, body: object) => sent("openai", { vendor }, "openai.chat", body);

  test("go on where the vendor documents them, and where nothing is known of it", () => {
    for (const vendor of ["moonshot", undefined]) {
      expect(ask(vendor, { tools: [foreign, own] }).body.tools).toEqual([foreign, own]);
    }
  });

  test("are left out and noted elsewhere, and what goes with tools goes with the last of them", () => {
    const { body, notes } = ask("vllm", { tools: [foreign, own], tool_choice: "auto" });
    expect(body).toMatchObject({ tools: [own], tool_choice: "auto" });
    expect(notes).toEqual([expect.stringContaining("tools[0] left out")]);
    const none = ask("vllm", { tools: [foreign], tool_choice: "auto", parallel_tool_calls: false }).body;
    for (const field of ["tools", "tool_choice", "parallel_tool_calls"]) expect(none).not.toHaveProperty(field);
  });

  test("are refused where the client insists on them", () => {
    const insisting = { tools: [foreign, own], tool_choice: { type: "builtin_function", function: { name: "x" } } };
    expect(() => ask("vllm", insisting)).toThrow(refused("tools[0]"));
    expect(() => ask("vllm", { tools: [foreign], tool_choice: "required" })).toThrow(refused("tools[0]"));
  });
});

describe("more output than the model gives", () => {
  const ceiling = { outputCeiling: 16_384 };

  test.each([
    ["openai.chat", { max_tokens: 32_000 }, "max_tokens"],
    ["openai.chat", { max_tokens: undefined, max_completion_tokens: 32_000 }, "max_completion_tokens"],
    ["anthropic.messages", { max_tokens: 32_000 }, "max_tokens"],
    ["openai.responses", { input: "x", max_output_tokens: 32_000 }, "max_tokens"],
    ["openai.completions", { prompt: "x", max_tokens: 32_000 }, "max_tokens"],
  ])("is lowered and noted: %s %j", (dialect, body, field) => {
    const { body: upstream, notes } = sent("openai", {}, dialect, body, ceiling);
    expect(upstream[field]).toBe(16_384);
    expect(notes).toContainEqual(expect.stringContaining("lowered to 16384"));
    // No more than that is asked for: nothing is said.
    expect(sent("openai", {}, dialect, body).body[field]).toBe(32_000);
  });

  test("is lowered where the vendor is asked in the client's own words, and a budget of thinking with it", () => {
    const body = { max_tokens: 99_000, thinking: { type: "enabled", budget_tokens: 50_000 } };
    const { body: upstream, notes } = sent("anthropic", {}, "anthropic.messages", body, ceiling);
    expect(upstream).toMatchObject({ max_tokens: 16_384, thinking: { budget_tokens: 16_383 } });
    expect(notes).toHaveLength(2);
    const own = { responses: true, completions: true };
    const responses = { input: "x", max_output_tokens: 32_000 };
    expect(sent("openai", own, "openai.responses", responses, ceiling).body.max_output_tokens).toBe(16_384);
    const completions = { prompt: "x", max_tokens: 32_000 };
    expect(sent("openai", own, "openai.completions", completions, ceiling).body.max_tokens).toBe(16_384);
  });
});

describe("blocks that only Anthropic knows", () => {
  const searched = [
    { type: "server_tool_use", id: "s", name: "web_search", input: { query: "x" } },
    { type: "web_search_tool_result", tool_use_id: "s", content: [] },
  ];
  const ask = (adapter: string, messages: readonly object[]) => sent(adapter, {}, "anthropic.messages", { messages });
  const anywhere = ["openai", "gemini"];

  test.each(anywhere)("are left out and noted where they are a trace of its own work: %s", (adapter) => {
    const { body, notes } = ask(adapter, [
      ...user,
      { role: "assistant", content: [...searched, { type: "text", text: "found" }] },
      { role: "assistant", content: [{ type: "a_block_of_next_year" }] },
      ...user,
    ]);
    expect(JSON.stringify(body)).toContain("found");
    expect(JSON.stringify(body)).not.toMatch(/server_tool_use|web_search|next_year/);
    expect(notes).toHaveLength(3);
  });

  test.each(anywhere)("are told in words where they have some: %s", (adapter) => {
    const text = JSON.stringify(
      ask(adapter, [
        {
          role: "user",
          content: [
            { type: "search_result", title: "T1", source: "S1", content: [{ type: "text", text: "C1" }] },
            { type: "document", title: "T2", source: { type: "content", content: [{ type: "text", text: "C2" }] } },
            { type: "document", source: { type: "content", content: "C3" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "compaction", content: "C4" },
            { type: "tool_use", id: "c", name: "f", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "c", content: [{ type: "tool_reference", tool_name: "C5" }] },
            { type: "mid_conv_system", content: [{ type: "text", text: "C6" }] },
          ],
        },
      ]).body,
    );
    for (const word of ["T1", "S1", "C1", "T2", "C2", "C3", "C4", "C5", "C6"]) expect(text).toContain(word);
  });

  test.each(anywhere)("are refused by their path where the user says something with them: %s", (adapter) => {
    const messages = [{ role: "user", content: [{ type: "container_upload", file_id: "f" }] }];
    expect(() => ask(adapter, messages)).toThrow(refused("messages[0].content[0]"));
  });
});

describe("system messages among the turns, to Anthropic's own models", () => {
  const ask = (like: string, messages: readonly object[], system?: string) =>
    sent("anthropic", { like }, "anthropic.messages", { messages, system });
  const result = { type: "tool_result", tool_use_id: "t", content: "a" };
  const told = (text: string) => ({ type: "text", text: `<system-reminder>\n${text}\n</system-reminder>` });

  test("stay for models that know them, and where there are none", () => {
    const messages = [...user, { role: "system", content: "s" }];
    for (const like of ["claude-opus-4-8", "claude-sonnet-5"])
      expect(ask(like, messages).body.messages).toEqual(messages);
    expect(ask("claude-sonnet-4-5", user, "system").body.messages).toEqual(user);
  });

  test("become the user's at their place for others, behind the results of tools", () => {
    const cache_control = { type: "ephemeral" };
    const { body, notes } = ask("claude-sonnet-4-5", [
      ...user,
      { role: "system", content: [{ type: "text", text: "one", cache_control }] },
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] },
      { role: "system", content: "two" },
      { role: "user", content: [result] },
    ]);
    expect(body.messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "x" },
          { ...told("one"), cache_control },
        ],
      },
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] },
      { role: "user", content: [result, told("two")] },
    ]);
    expect(notes).toHaveLength(1);
  });
});

describe("documents that are words by another type", () => {
  const ask = (adapter: string, flavour: object, type: string) => {
    const file = { filename: "a", file_data: `data:${type};base64,${Buffer.from('{"a":1}').toString("base64")}` };
    const messages = [
      {
        role: "user",
        content: [
          { type: "file", file },
          { type: "text", text: "x" },
        ],
      },
    ];
    return JSON.stringify(sent(adapter, flavour, "openai.chat", { messages }, {}).body);
  };
  const types = ["application/json", "application/ld+json", "application/xml", "application/x-yaml", "text/x-python"];

  test.each(types)("go as words where the vendor takes no others: %s", (type) => {
    expect(ask("anthropic", {}, type)).toContain('"media_type":"text/plain","data":"{\\"a\\":1}"');
    expect(ask("openai", { chat: false }, type)).toContain('{"type":"input_text","text":"a\\n{\\"a\\":1}"}');
  });

  test.each(["application/zip", "application/vnd.ms-excel"])("others are refused by name: %s", (type) => {
    expect(() => ask("anthropic", {}, type)).toThrow(expect.objectContaining({ code: "invalid_value" }));
  });
});
