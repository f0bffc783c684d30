import { EventEmitter } from "node:events";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Pace } from "../../shared/pace.ts";
import { documentInPieces, streamInPieces } from "./json-in-pieces.ts";

/** Others' turn comes after each step; `steps` counts them. */
function everyStep() {
  let steps = 0;
  return {
    pace: async () => {
      steps++;
    },
    steps: () => steps,
  };
}

const once = () => undefined;
const toJson = (text: string) => ({ text });

/** A document with two lists of the same items. */
async function written(items: readonly string[], pace: Pace) {
  const document = documentInPieces({ pace });
  await document.list('{"data":[', items, toJson);
  await document.list('],"again":[', items, toJson);
  return document.end('],"has_more":true}');
}

test("what is written in pieces is what would be written in one go, in as many bytes as are told", async () => {
  const texts = fc.array(fc.string({ unit: "grapheme", size: "large" }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 60 }), async (some, times) => {
      const items = some.map((text) => text.repeat(times));
      const { chunks, bytes } = await written(items, once);
      const sent = await buffer(streamInPieces(new EventEmitter(), chunks, once));
      expect(sent.length).toBe(bytes);
      expect(sent.toString()).toBe(
        JSON.stringify({ data: items.map(toJson), again: items.map(toJson), has_more: true }),
      );
    }),
    { numRuns: 50 },
  );
});

test("bytes of another thread are freed once they are sent, and not before", async () => {
  const chunks = ["[1,", new TextEncoder().encode('"two"'), "]"];
  const response = new EventEmitter();
  expect((await buffer(streamInPieces(response, chunks, once))).toString()).toBe('[1,"two"]');
  expect(chunks.map((chunk) => chunk.length)).toEqual([3, 5, 1]);
  response.emit("finish");
  expect(chunks.map((chunk) => chunk.length)).toEqual([3, 0, 1]);
});

test("others have a turn after each item and after each chunk, and no chunk is larger than an item beyond its size", async () => {
  const items = Array.from({ length: 1_000 }, (_, n) => `${n} `.repeat(500));
  const longest = Math.max(...items.map((item) => item.length)) + 20;
  const writing = everyStep();
  const { chunks } = await written(items, writing.pace);
  expect(writing.steps()).toBe(2 * items.length);
  expect(chunks.length).toBeGreaterThan(50);
  expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(32 * 1024 + longest);
  const sending = everyStep();
  await buffer(streamInPieces(new EventEmitter(), chunks, sending.pace));
  expect(sending.steps()).toBe(chunks.length);
});
