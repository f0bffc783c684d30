/** Bodies and answers that grow in one way each, by a size. */

const times = <T>(size: number, make: (index: number) => T): T[] =>
  Array.from({ length: size }, (_, index) => make(index));
const fields = (size: number, value: (index: number) => unknown) =>
  Object.fromEntries(times(size, (index) => [`k${index}`, value(index)]));
const user = (content: unknown) => ({ role: "user", content });
const deep = (size: number): object => {
  let schema: object = { type: "string" };
  // Recursion has a bound of its own, which a test of the translations holds.
  for (let depth = 0; depth < size / 4; depth++) schema = { type: "object", properties: { a: schema } };
  return schema;
};
const png = "iVBORw0KGgo=";
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

/** Events of an upstream that grow with their size, as JSON values. */
export interface AnswerShape {
  readonly name: string;
  /** Adapter of the upstream. */
  readonly adapter: string;
  readonly flavour?: string;
  events(size: number): readonly object[];
}

const delta = (given: object, index = 0, finish?: string) => ({
  id: "x",
  model: "m",
  choices: [{ index, delta: given, ...(finish === undefined ? {} : { finish_reason: finish }) }],
});
const openai = (name: string, events: (size: number) => readonly object[]): AnswerShape => ({
  name,
  adapter: "openai",
  events: (size) => [delta({ role: "assistant" }), ...events(size), delta({}, 0, "stop")],
});
const anthropic = (name: string, events: (size: number) => readonly object[]): AnswerShape => ({
  name,
  adapter: "anthropic",
  events: (size) => [
    { type: "message_start", message: { id: "x", model: "m", usage: { input_tokens: 1, output_tokens: 1 } } },
    ...events(size),
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
    { type: "message_stop" },
  ],
});
const gemini = (name: string, events: (size: number) => readonly object[]): AnswerShape => ({
  name,
  adapter: "gemini",
  events: (size) => [
    ...events(size),
    { candidates: [{ finishReason: "STOP" }], usageMetadata: { promptTokenCount: 1 } },
  ],
});
const toolDelta = (index: number, given: object) => delta({ tool_calls: [{ index, ...given }] });
const begin = (i: number) => toolDelta(i, { id: `c${i}`, type: "function", function: { name: "f", arguments: "" } });

/** Streams of every format of upstreams. */
export const answerShapes: readonly AnswerShape[] = [
  openai("small deltas", (size) => times(size, () => delta({ content: "x" }))),
  openai("thinking between texts", (size) =>
    times(size, (i) => delta(i % 2 ? { content: "x" } : { reasoning_content: "y" })),
  ),
  openai("signed details", (size) =>
    times(size, (i) =>
      delta({ content: "x", reasoning_content: "y", reasoning_details: [{ type: "t", index: i, signature: "s" }] }),
    ),
  ),
  openai("calls, one after the other", (size) =>
    times(size, (i) => [begin(i), toolDelta(i, { function: { arguments: "{}" } })]).flat(),
  ),
  openai("calls that are open together", (size) => [
    ...times(size, begin),
    ...times(size, (i) => toolDelta(i, { function: { arguments: '{"a":' } })),
    ...times(size, (i) => toolDelta(i, { function: { arguments: "1}" } })),
  ]),
  openai("one call in small pieces while others wait", (size) => [
    begin(0),
    begin(1),
    ...times(size, () => toolDelta(0, { function: { arguments: '["a",' } })),
  ]),
  openai("choices", (size) => times(size, (i) => delta({ content: "x" }, i))),
  openai("sources", (size) => [
    delta({ content: "x" }),
    ...times(size, (i) =>
      delta({ annotations: [{ type: "url_citation", url_citation: { url: `https://a.example/${i}` } }] }),
    ),
  ]),
  openai("log probabilities", (size) =>
    times(size, () => ({
      ...delta({ content: "x" }),
      choices: [{ index: 0, delta: { content: "x" }, logprobs: { content: [{ token: "x", logprob: 0 }] } }],
    })),
  ),
  openai("usages", (size) =>
    times(size, (i) => ({
      ...delta({ content: "x" }),
      usage: { prompt_tokens: 1, completion_tokens: i, [`k${i}`]: 1 },
    })),
  ),
  openai("a long text", (size) => [delta({ content: "words and words ".repeat(size) })]),
  anthropic("small deltas", (size) => [
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ...times(size, () => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x" } })),
  ]),
  anthropic("blocks of calls", (size) =>
    times(size, (i) => [
      { type: "content_block_start", index: i, content_block: { type: "tool_use", id: `t${i}`, name: "f", input: {} } },
      { type: "content_block_delta", index: i, delta: { type: "input_json_delta", partial_json: "{}" } },
      { type: "content_block_stop", index: i },
    ]).flat(),
  ),
  anthropic("sources of one text", (size) => [
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "x" } },
    ...times(size, (i) => ({
      type: "content_block_delta",
      index: 0,
      delta: { type: "citations_delta", citation: { url: `https://a.example/${i}` } },
    })),
    { type: "content_block_stop", index: 0 },
  ]),
  anthropic("usages with names of their own", (size) =>
    times(size, (i) => ({ type: "message_delta", delta: {}, usage: { [`k${i}`]: 1 } })),
  ),
  gemini("small deltas", (size) => times(size, () => ({ candidates: [{ content: { parts: [{ text: "x" }] } }] }))),
  gemini("candidates", (size) => [
    { candidates: times(size, (index) => ({ index, content: { parts: [{ text: "x" }] } })) },
    ...times(size, () => ({
      candidates: [{ content: { parts: [{ text: "x" }] } }],
      usageMetadata: { promptTokenCount: 1 },
    })),
  ]),
  gemini("places of sources", (size) => [
    { candidates: [{ content: { parts: [{ text: "words ".repeat(size) }] } }] },
    {
      candidates: [
        {
          groundingMetadata: {
            groundingChunks: [{ web: { uri: "https://a.example", title: "t" } }],
            groundingSupports: times(size, (i) => ({
              segment: { startIndex: i, endIndex: i * 4 },
              groundingChunkIndices: [0],
            })),
          },
        },
      ],
    },
  ]),
  {
    name: "small deltas of responses",
    adapter: "openai",
    flavour: '{"responses":true}',
    events: (size) => [
      { type: "response.created", response: { id: "x", model: "m", output: [] } },
      ...times(size, () => ({ type: "response.output_text.delta", output_index: 0, delta: "x" })),
      { type: "response.completed", response: { id: "x", model: "m", status: "completed", output: [] } },
    ],
  },
];

/** A whole answer that grows with its size, and what was asked. */
export interface WholeShape {
  readonly name: string;
  readonly adapter: string;
  readonly dialect: string;
  request(size: number): object;
  /** Fields beside the file, where a form is asked with. */
  readonly form?: readonly { readonly name: string; readonly value: string }[];
  answer(size: number): object;
}

const vectors = (
  name: string,
  adapter: string,
  answer: (vectors: readonly unknown[]) => object,
): readonly WholeShape[] =>
  [
    { name: `many ${name}`, count: (size: number) => size, dimensions: () => 4 },
    { name: `long ${name}`, count: () => 2, dimensions: (size: number) => size },
  ].map(({ name: shape, count, dimensions }) => ({
    name: shape,
    adapter,
    dialect: "openai.embeddings",
    request: (size) => ({ model: "m", input: times(count(size), String), encoding_format: "base64" }),
    answer: (size) => answer(times(count(size), () => times(dimensions(size), (i) => i / 7))),
  }));
const packed = (vector: unknown) => Buffer.from(Float32Array.from(vector as number[]).buffer).toString("base64");

const words = (size: number, word: (index: number) => object) => ({
  text: "x ".repeat(size),
  words: times(size, word),
});

/** Whole answers of modules that are not chat. */
export const wholeShapes: readonly WholeShape[] = [
  {
    ...{ name: "words with times", adapter: "elevenlabs", dialect: "openai.transcription" },
    request: () => ({}),
    form: [{ name: "response_format", value: "srt" }],
    answer: (size) => words(size, (i) => ({ text: `w${i}`, start: i / 3, end: i / 3 + 0.2, type: "word" })),
  },
  {
    ...{ name: "words of one sentence", adapter: "elevenlabs", dialect: "openai.transcription" },
    request: () => ({}),
    form: [
      { name: "response_format", value: "verbose_json" },
      { name: "timestamp_granularities[]", value: "word" },
    ],
    answer: (size) => words(size, (i) => ({ text: `w${i}`, start: 0, end: 0, type: "word" })),
  },
  {
    ...{ name: "segments", adapter: "openai", dialect: "openai.transcription" },
    request: () => ({}),
    form: [{ name: "response_format", value: "vtt" }],
    answer: (size) => ({ text: "x", segments: times(size, (i) => ({ start: i, end: i + 1, text: ` s${i}\n` })) }),
  },
  {
    ...{ name: "results", adapter: "openai", dialect: "jina.rerank" },
    request: (size) => ({ query: "x", documents: times(size, (i) => ({ text: `document ${i}` })) }),
    answer: (size) => ({ results: times(size, (i) => ({ index: size - 1 - i, relevance_score: (i * 7919) % 97 })) }),
  },
  {
    ...{ name: "images", adapter: "openai", dialect: "openai.images" },
    request: () => ({ model: "m", prompt: "x", response_format: "url" }),
    answer: (size) => ({ data: times(size, () => ({ b64_json: png })) }),
  },
  {
    ...{ name: "verdicts", adapter: "openai", dialect: "openai.moderations" },
    request: (size) => ({ input: times(size, (i) => `text ${i}`) }),
    answer: (size) => ({
      results: times(size, () => ({ categories: { hate: true }, category_scores: { hate: 0.5 } })),
    }),
  },
  {
    ...{ name: "categories of one verdict", adapter: "openai", dialect: "openai.moderations" },
    request: () => ({ input: "x" }),
    answer: (size) => ({
      results: [{ categories: fields(size, () => true), category_scores: fields(size, () => 0.5) }],
    }),
  },
  ...vectors("lists of numbers", "openai", (given) => ({
    data: given.map((embedding, index) => ({ index, embedding })),
  })),
  ...vectors("vectors in base64", "openai", (given) => ({
    data: given.map((vector, index) => ({ index, embedding: packed(vector) })),
  })),
  // These take at most about a hundred inputs.
  ...vectors("values", "gemini", (given) => ({ embeddings: given.map((values) => ({ values })) })).slice(1),
  ...vectors("floats", "cohere", (given) => ({ embeddings: { float: given } })).slice(1),
];
