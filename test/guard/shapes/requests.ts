import { fields, times } from "./repeat.ts";

const user = (content: unknown) => ({ role: "user", content });
const deep = (size: number): object => {
  let schema: object = { type: "string" };
  // Recursion has a bound of its own, which a test of the translations holds.
  for (let depth = 0; depth < size / 4; depth++) schema = { type: "object", properties: { a: schema } };
  return schema;
};
/** The first bytes of a PNG, in base64. */
export const png = "iVBORw0KGgo=";
const call = (index: number) => ({
  id: `c${index}`,
  type: "function",
  function: { name: `f${index}`, arguments: "{}" },
});
const tool = (index: number, parameters: object = { type: "object", properties: {} }) => ({
  type: "function",
  function: { name: `f${index}`, description: "does", parameters },
});

/** A request of a dialect that grows with its size. */
export interface RequestShape {
  readonly name: string;
  readonly dialect: string;
  body(size: number): object;
}

const chat = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "openai.chat",
  body: (size) => ({ model: "m", messages: [user("x")], ...more(size) }),
});
const messages = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "anthropic.messages",
  body: (size) => ({ model: "m", max_tokens: 9, messages: [user("x")], ...more(size) }),
});
const responses = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "openai.responses",
  body: (size) => ({ model: "m", input: "x", ...more(size) }),
});
const completions = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "openai.completions",
  body: (size) => ({ model: "m", prompt: "x", ...more(size) }),
});

const embeddings = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "openai.embeddings",
  body: (size) => ({ model: "m", input: "x", ...more(size) }),
});

const rerank = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "jina.rerank",
  body: (size) => ({ model: "m", query: "x", documents: ["y"], ...more(size) }),
});
const moderations = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "openai.moderations",
  body: (size) => ({ model: "m", ...more(size) }),
});

const images = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "openai.images",
  body: (size) => ({ model: "m", prompt: "x", ...more(size) }),
});

const speech = (name: string, more: (size: number) => object): RequestShape => ({
  name,
  dialect: "openai.speech",
  body: (size) => ({ model: "m", input: "x", voice: "alloy", response_format: "wav", ...more(size) }),
});

/** Requests of every endpoint. */
export const requestShapes: readonly RequestShape[] = [
  speech("a long text", (size) => ({ input: "words and 你好 ".repeat(size) })),
  speech("unknown fields", (size) => fields(size, () => 1)),
  rerank("documents", (size) => ({ documents: times(size, (i) => `document ${i}`) })),
  rerank("documents of named fields", (size) => ({
    documents: times(size, (i) => ({ title: `t${i}`, text: "x" })),
    rank_fields: ["title", "text"],
  })),
  rerank("one document of fields", (size) => ({
    documents: [fields(size, (i) => `v${i}`)],
    rank_fields: times(size, (i) => `k${i}`),
  })),
  rerank("a long document", (size) => ({ documents: ["word ".repeat(size * 8)] })),
  rerank("unknown fields", (size) => fields(size, () => 1)),
  images("a long prompt", (size) => ({ prompt: "words and 你好 ".repeat(size) })),
  images("unknown fields", (size) => fields(size, () => 1)),
  moderations("texts", (size) => ({ input: times(size, (i) => `text ${i}`) })),
  moderations("parts", (size) => ({
    input: times(size, (i) =>
      i % 2 ? { type: "text", text: "x" } : { type: "image_url", image_url: { url: `https://a.example/${i}.png` } },
    ),
  })),
  moderations("unknown fields", (size) => ({ input: "x", ...fields(size, () => 1) })),
  chat("unknown fields", (size) => fields(size, () => 1)),
  chat("fields of extra_body", (size) => ({ extra_body: fields(size, () => 1) })),
  chat("fields of google", (size) => ({ extra_body: { google: fields(size, (i) => ({ snake_case: i })) } })),
  chat("messages", (size) => ({
    messages: times(size, (i) => ({ role: i % 2 ? "assistant" : "user", content: "x" })),
  })),
  chat("messages of one role with names", (size) => ({
    messages: times(size, (i) => ({ ...user("x"), name: `n${i}` })),
  })),
  chat("system messages in the middle", (size) => ({
    messages: times(size, (i) => ({ ...user("x"), role: i % 3 ? "user" : "system" })),
  })),
  chat("results between which others speak", (size) => ({
    messages: [
      { role: "assistant", tool_calls: times(size, call) },
      ...times(size, (i) => [{ role: "tool", tool_call_id: `c${i}`, content: "x" }, user("y")]).flat(),
    ],
  })),
  chat("tools of other vendors", (size) => ({
    tools: times(size, (i) => (i % 2 ? tool(i) : { type: "builtin_function", function: { name: `$f${i}` } })),
  })),
  messages("system messages in the middle", (size) => ({
    messages: times(size, (i) => ({ ...user("x"), role: i % 3 ? "user" : "system" })),
  })),
  messages("blocks of server tools", (size) => ({
    messages: [
      user("x"),
      {
        role: "assistant",
        content: times(size, (i) => ({ type: "server_tool_use", id: `s${i}`, name: "f", input: {} })),
      },
    ],
  })),
  chat("parts", (size) => ({ messages: [user(times(size, () => ({ type: "text", text: "x" })))] })),
  chat("images", (size) => ({
    messages: [user(times(size, () => ({ type: "image_url", image_url: { url: `data:image/png;base64,${png}` } })))],
  })),
  chat("addresses of images", (size) => ({
    messages: [user(times(size, (i) => ({ type: "image_url", image_url: { url: `https://a.example/${i}.png` } })))],
  })),
  chat("one address of marks", (size) => ({
    messages: [user([{ type: "image_url", image_url: { url: `https://a.example/${"?".repeat(size * 8)}\n` } }])],
  })),
  chat("calls and results", (size) => ({
    messages: [
      user("x"),
      { role: "assistant", tool_calls: times(size, call) },
      ...times(size, (i) => ({ role: "tool", tool_call_id: `c${i}`, content: "y" })),
    ],
  })),
  chat("turns of calls", (size) => ({
    messages: times(size, (i) => [
      user("x"),
      { role: "assistant", tool_calls: [call(i)] },
      { role: "tool", tool_call_id: `c${i}`, content: "y" },
    ]).flat(),
  })),
  chat("details of reasoning", (size) => ({
    messages: [
      user("x"),
      {
        role: "assistant",
        content: "y",
        reasoning_details: times(size, (i) => ({ type: "reasoning.text", text: "t", signature: `s${i}` })),
      },
      user("z"),
    ],
  })),
  chat("tools", (size) => ({ tools: times(size, (i) => tool(i)) })),
  chat("tools that are allowed", (size) => ({
    tools: times(size, (i) => tool(i)),
    tool_choice: {
      type: "allowed_tools",
      allowed_tools: { mode: "auto", tools: times(size, (i) => ({ function: { name: `f${i}` } })) },
    },
  })),
  chat("a deep schema", (size) => ({ tools: [tool(0, deep(size))] })),
  chat("a wide schema", (size) => ({
    tools: [tool(0, { type: "object", properties: fields(size, () => ({ type: "string" })) })],
  })),
  chat("a schema of references", (size) => ({
    tools: [
      tool(0, {
        type: "object",
        properties: fields(size, () => ({ $ref: "#/$defs/a" })),
        $defs: { a: { type: "object", properties: { x: { type: "string" } } } },
      }),
    ],
  })),
  chat("a schema of many parts", (size) => ({
    tools: [tool(0, { allOf: times(size, (i) => ({ properties: { [`p${i}`]: {} }, required: [`p${i}`] })) })],
  })),
  chat("a long text with escapes", (size) => ({ messages: [user('"\\\n\u0001é'.repeat(size * 4))] })),
  chat("Chinese", (size) => ({ messages: [user("你好".repeat(size * 4))] })),
  chat("stop sequences", (size) => ({ stop: times(size, String) })),
  chat("biases", (size) => ({ logit_bias: fields(size, () => 1) })),
  chat("metadata", (size) => ({ metadata: fields(size, String) })),
  embeddings("unknown fields", (size) => fields(size, () => 1)),
  embeddings("texts", (size) => ({ input: times(size, (i) => `text ${i}`) })),
  embeddings("a long text", (size) => ({ input: "words and 你好 ".repeat(size) })),
  embeddings("tokens", (size) => ({ input: times(size, (i) => i) })),
  embeddings("lists of tokens", (size) => ({ input: times(size, (i) => [i, 7]) })),
  embeddings("a long list that is wrong at its end", (size) => ({ input: [...times(size, () => "x"), 7] })),
  messages("unknown fields", (size) => fields(size, () => 1)),
  messages("blocks", (size) => ({ messages: [user(times(size, () => ({ type: "text", text: "x" })))] })),
  messages("blocks of the system", (size) => ({ system: times(size, () => ({ type: "text", text: "x" })) })),
  messages("results of tools", (size) => ({
    messages: [
      user("x"),
      { role: "assistant", content: times(size, (i) => ({ type: "tool_use", id: `t${i}`, name: "f", input: {} })) },
      user(times(size, (i) => ({ type: "tool_result", tool_use_id: `t${i}`, content: [{ type: "text", text: "y" }] }))),
    ],
  })),
  messages("results between texts", (size) => ({
    messages: [
      user("x"),
      { role: "assistant", content: times(size, (i) => ({ type: "tool_use", id: `t${i}`, name: "f", input: {} })) },
      user(
        times(size, (i) =>
          i % 2 ? { type: "text", text: "y" } : { type: "tool_result", tool_use_id: `t${i}`, content: "y" },
        ),
      ),
    ],
  })),
  messages("thinking", (size) => ({
    messages: [
      user("x"),
      {
        role: "assistant",
        content: times(size, (i) => ({ type: "thinking", thinking: "t", signature: `tl1~gemini~${i}` })),
      },
      user("y"),
    ],
  })),
  messages("documents", (size) => ({
    messages: [
      user(
        times(size, () => ({ type: "document", source: { type: "base64", media_type: "application/pdf", data: png } })),
      ),
    ],
  })),
  messages("stop sequences", (size) => ({ stop_sequences: times(size, String) })),
  messages("tools", (size) => ({ tools: times(size, (i) => ({ name: `f${i}`, input_schema: { type: "object" } })) })),
  responses("unknown fields", (size) => fields(size, () => 1)),
  responses("include", (size) => ({ include: times(size, (i) => `thing.${i}`) })),
  responses("calls of one turn", (size) => ({
    input: times(size, (i) => ({ type: "function_call", call_id: `c${i}`, name: "f", arguments: "{}" })),
  })),
  responses("calls and results", (size) => ({
    input: times(size, (i) => [
      { type: "function_call", call_id: `c${i}`, name: "f", arguments: "{}" },
      { type: "function_call_output", call_id: `c${i}`, output: "y" },
    ]).flat(),
  })),
  responses("traces of tools", (size) => ({ input: [user("x"), ...times(size, () => ({ type: "web_search_call" }))] })),
  responses("reasoning", (size) => ({
    input: times(size, (i) => ({
      type: "reasoning",
      summary: [{ type: "summary_text", text: "t" }],
      encrypted_content: `e${i}`,
    })),
  })),
  responses("tools", (size) => ({ tools: times(size, (i) => ({ type: "function", name: `f${i}`, parameters: {} })) })),
  responses("namespaces", (size) => ({
    tools: times(size, (i) => ({
      type: "namespace",
      name: `n${i % 4}`,
      tools: [{ type: "function", name: `f${i}`, parameters: {} }],
    })),
  })),
  responses("tools of free text", (size) => ({
    tools: times(size, (i) => ({ type: "custom", name: `f${i}` })),
    input: times(size, (i) => ({ type: "custom_tool_call", call_id: `c${i}`, name: `f${i}`, input: "x" })),
  })),
  chat("names and IDs that do not fit", (size) => ({
    tools: times(size, (i) => ({ type: "function", function: { name: `f.${i} `, parameters: {} } })),
    messages: [{ role: "assistant", tool_calls: times(size, (i) => ({ ...call(i), id: `functions.f:${i}` })) }],
  })),
  chat("variants at the root of a schema", (size) => ({
    tools: [
      tool(0, {
        anyOf: times(size, (i) => ({ properties: { a: { const: i }, [`b${i}`]: {} }, required: ["a"] })),
      }),
    ],
  })),
  chat("variants that name one definition", (size) => ({
    tools: [
      tool(0, {
        $defs: { D: { properties: Object.fromEntries(times(size, (i) => [`p${i}`, {}])) } },
        anyOf: times(size, () => ({ $ref: "#/$defs/D" })),
      }),
    ],
  })),
  completions("unknown fields", (size) => fields(size, () => 1)),
  completions("a long prompt", (size) => ({ prompt: "words and words ".repeat(size * 4) })),
  completions("tokens", (size) => ({ prompt: times(size, (i) => i) })),
];
