import fc from "fast-check";
import { expect, test } from "vitest";
import { formParameters, requestParameters } from "./request-parameters.ts";

const read = (body: unknown) => requestParameters(Buffer.from(JSON.stringify(body)));

test.each([
  [
    "OpenAI's chat",
    {
      model: "m",
      messages: [{ role: "user", content: 'say "temperature": 9, }{ [\\' }],
      temperature: 0.2,
      top_p: 0.9,
      max_completion_tokens: 50,
      stop: "END",
      n: 2,
      seed: 7,
      frequency_penalty: -1,
      presence_penalty: 0.5,
      response_format: { type: "json_schema", json_schema: { schema: { properties: { top_k: 3 } } } },
    },
    {
      ...{ temperature: 0.2, topP: 0.9, maxTokens: 50, stopSequences: ["END"], choices: 2, seed: 7, json: true },
      ...{ frequencyPenalty: -1, presencePenalty: 0.5 },
    },
  ],
  [
    "Anthropic's messages",
    { max_tokens: 10, stop_sequences: ["a", 7, "b"], top_k: 40, messages: [{ temperature: 1 }], metadata: { seed: 1 } },
    { maxTokens: 10, stopSequences: ["a", "b"], topK: 40 },
  ],
  [
    "Gemini",
    {
      contents: [{ parts: [{ text: "temperature" }] }],
      generationConfig: {
        temperature: 1,
        topP: 0.5,
        topK: 3,
        maxOutputTokens: 9,
        candidateCount: 1,
        stopSequences: ["x"],
      },
    },
    { temperature: 1, topP: 0.5, topK: 3, maxTokens: 9, choices: 1, stopSequences: ["x"] },
  ],
  [
    "OpenAI's responses",
    { text: { format: { type: "json_object" } }, max_output_tokens: 5 },
    { json: true, maxTokens: 5 },
  ],
  [
    "embeddings",
    { input: ["a"], dimensions: 256, encoding_format: "base64" },
    { dimensions: 256, encodingFormats: ["base64"] },
  ],
  [
    "values of other kinds",
    { temperature: "0.5", n: null, stop: { a: 1 }, seed: [1], response_format: "b64_json" },
    {},
  ],
  ["a text that says less", { text: "a prompt", response_format: { type: "text" } }, {}],
  ["no object", [1, 2], {}],
])("%s", (_, body, expected) => {
  expect(read(body)).toEqual(expected);
});

const long = [{ role: "user", content: `say ,"temperature":9} ${"at length ".repeat(1_000)}` }];

test.each([
  [
    "before its messages",
    { temperature: 0.5, stop: ["a", "b"], messages: long },
    { temperature: 0.5, stopSequences: ["a", "b"] },
  ],
  [
    "after them",
    { messages: long, temperature: 0.5, stream: true, stop: ["a", "b"], user: "me" },
    { temperature: 0.5, stopSequences: ["a", "b"] },
  ],
  ["in a configuration after them", { contents: long, generationConfig: { topK: 3 } }, { topK: 3 }],
  ["nowhere, but in a text", { seed: 1, prompt: long[0]?.content }, { seed: 1 }],
  ["nowhere, but at the end of a text", { prompt: `${long[0]?.content},"temperature":9` }, {}],
  ["nowhere, but in a message", { messages: [...long, { role: "user", temperature: 9 }] }, {}],
])("a long body that says it %s", (_, body, expected) => {
  expect(read(body)).toEqual(expected);
  expect(requestParameters(Buffer.from(JSON.stringify(body, null, 2)))).toEqual(expected);
});

test("whatever else a body has, its parameters are found, and every text has an end", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (more, temperature) => {
        const body = { ...more, temperature, messages: more };
        const wanted: unknown = JSON.parse(JSON.stringify(temperature));
        // Only the beginning and the end of a longer body are looked at. A value that is not there is missing, and never another one.
        const isWhole = Buffer.byteLength(JSON.stringify(body)) <= 4_096;
        expect(isWhole ? [wanted] : [wanted, undefined]).toContain(read(body).temperature);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      requestParameters(bytes);
      requestParameters(Buffer.concat([Buffer.from('{"n":'), bytes]));
    }),
  );
});

test("fields of a form", () => {
  expect(
    formParameters([
      { name: "temperature", value: "0.4" },
      { name: "n", value: "many" },
      { name: "model", value: "7" },
    ]),
  ).toEqual({
    temperature: 0.4,
  });
});
