import { fields, times } from "./repeat.ts";
import { png } from "./requests.ts";

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
