import { times } from "./repeat.ts";

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
