import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEventFeed } from "../../../wire/event-feed.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import { learnUsualChunk, type UsualChunk } from "./usual-chunk.ts";

const oldId = '"vendor-1"';
const newId = '"chatcmpl-42"';

/** As OpenAI writes a chunk, as Python's servers do, and with a padding behind it. */
const shapes: readonly [name: string, write: (text: string, padding: string) => string][] = [
  ["compact", (text) => JSON.stringify(chunkOf(text))],
  ["with spaces", (text) => JSON.stringify(chunkOf(text)).replaceAll(/([{,]"\w+"):/g, "$1: ")],
  ["with padding", (text, padding) => JSON.stringify({ ...chunkOf(text), usage: null, obfuscation: padding })],
  ["with nulls around", (text) => JSON.stringify(chunkOf(text, { role: "assistant", refusal: null }, { tool: null }))],
];

function chunkOf(content: string, before: object = {}, behind: object = {}) {
  const delta = { ...before, content, ...behind };
  return { id: "vendor-1", model: "m", choices: [{ index: 0, delta, logprobs: null, finish_reason: null }] };
}

function contentOf(json: string): string {
  const choice = asObject(asArray(asObject(JSON.parse(json))?.choices)[0]);
  return asString(asObject(choice?.delta)?.content) ?? "";
}

/** Texts in which the marks that streams are searched for stand, too. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "usage",
    '"usage"',
    'finish_reason":"stop',
    "\\",
    '\\"',
    '"}',
    "}]}",
    "vendor-1",
    oldId,
    "\u2028\ud83d",
  ),
);

describe.each(shapes)("a chunk %s", (_name, write) => {
  test("teaches what the ones behind it look like", () => {
    fc.assert(
      fc.property(texts, texts, texts, (first, second, third) => {
        const usual = learnUsualChunk(write(first, "ab"), oldId, newId);
        if (usual === undefined) throw new Error("nothing was learnt");
        const [one, two] = [write(second, "x"), write(third, "yz")];
        const [said, also] = [usual.textIn(one), usual.textIn(two)];
        if (said === undefined || also === undefined) throw new Error("a copy was not seen");
        const event = usual.forClient(one);
        expect(event.endsWith("\n\n")).toBe(true);
        expect(JSON.parse(event.slice("data: ".length))).toEqual({ ...JSON.parse(one), id: "chatcmpl-42" });
        expect(contentOf(usual.asSaid(said + also))).toBe(contentOf(one) + contentOf(two));
      }),
    );
  });

  test("is taken for one of them only where nothing but its text differs", () => {
    const usual = learnUsualChunk(write("Hello", "ab"), oldId, newId);
    const cut = fc.tuple(
      fc.nat(),
      fc.nat(8),
      fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("\t", '"', "\\", "{}", ',"a":1')),
    );
    let taken = 0;
    fc.assert(
      fc.property(texts, cut, (text, [at, gone, instead]) => {
        const whole = write(text, "cd");
        const start = at % whole.length;
        const changed = whole.slice(0, start) + instead + whole.slice(start + gone);
        if (usual?.textIn(changed) === undefined) return;
        taken += 1;
        const { obfuscation: _padding, ...parsed } = JSON.parse(changed);
        const { obfuscation: _usual, ...expected } = JSON.parse(write(contentOf(changed), "cd"));
        expect(parsed).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  test("is in bytes what it is as text", () => {
    const usual = learnUsualChunk(write("Hello", "ab"), oldId, newId);
    const event = (text: string) => `data: ${write(text, "cd")}\n\n`;
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 6 }), (some) => {
        expect(passedInBytes(usual, Buffer.from(some.map(event).join("")))).toEqual({
          events: some.map((text) => usual?.forClient(write(text, "cd"))).join(""),
          texts: some.map((text) => usual?.textIn(write(text, "cd"))).join(""),
          count: some.length,
        });
      }),
    );
  });

  test("is passed on in bytes only where it would be as text", () => {
    const usual = learnUsualChunk(write("Hello", "ab"), oldId, newId);
    const instead = fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.constantFrom(...["\n", "\n\n", "\r", '"', "\\", "\\u12", "data: ", "\ufeff"].map((text) => Buffer.from(text))),
    );
    let taken = 0;
    fc.assert(
      fc.property(texts, texts, fc.nat(), fc.nat(4), instead, (one, two, place, gone, put) => {
        const whole = Buffer.from([one, two].map((text) => `data: ${write(text, "cd")}\n\n`).join(""));
        const start = place % whole.length;
        const piece = Buffer.concat([whole.subarray(0, start), put, whole.subarray(start + gone)]);
        const passed = passedInBytes(usual, piece);
        if (passed === undefined) return;
        taken += 1;
        const data: string[] = [];
        const feed = createEventFeed((event) => data.push(event.data));
        feed.feed(piece);
        expect(passed).toEqual({
          events: data.map((chunk) => usual?.textIn(chunk) !== undefined && usual.forClient(chunk)).join(""),
          texts: data.map((chunk) => usual?.textIn(chunk)).join(""),
          count: data.length,
        });
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(20);
  });
});

/** What is read of a piece in bytes, and given to the client; undefined: it is to be read as text. */
function passedInBytes(usual: UsualChunk | undefined, piece: Buffer) {
  const bytes = usual?.bytes();
  if (bytes?.read(piece) !== true) return undefined;
  const given = Buffer.alloc(bytes.length);
  bytes.write(given);
  return { events: given.toString(), texts: bytes.text, count: bytes.count };
}

test("more events than are read at once are read as text", () => {
  const write = (text: string) => JSON.stringify(chunkOf(text));
  const usual = learnUsualChunk(write("Hello"), oldId, newId);
  const events = (count: number) => Buffer.from(`data: ${write("a")}\n\n`.repeat(count));
  expect(passedInBytes(usual, events(64))?.count).toBe(64);
  expect(passedInBytes(usual, events(65))).toBeUndefined();
});

const choice = (delta: object, more: object = {}) =>
  JSON.stringify({ id: "vendor-1", choices: [{ index: 0, delta, ...more }] });
const words = { content: "x" };

test.each([
  [
    "a second choice",
    JSON.stringify({
      id: "vendor-1",
      choices: [
        { index: 0, delta: words },
        { index: 1, delta: words },
      ],
    }),
  ],
  ["another text beside it", choice({ content: "x", reasoning_content: "y" })],
  ["another text before it", choice({ refusal: "y", content: "x" })],
  ["a call", choice({ content: "x", tool_calls: [] })],
  ["probabilities", choice(words, { logprobs: { content: [] } })],
  ["its ID behind it", JSON.stringify({ choices: [{ index: 0, delta: words }], id: "vendor-1" })],
  ["no text", choice({ content: null })],
  ["its text elsewhere", JSON.stringify({ id: "vendor-1", content: "x", choices: [] })],
  ["an end within its text", '{"id":"vendor-1","choices":[{"index":0,"delta":{"content":"x'],
])("nothing is learnt of a chunk with %s", (_name, data) => {
  expect(learnUsualChunk(data, oldId, newId)).toBeUndefined();
});
