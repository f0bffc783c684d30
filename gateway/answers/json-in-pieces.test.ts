import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonInPieces, streamInPieces } from "./json-in-pieces.ts";

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
const frame = { toJson: (text: string) => ({ text }), before: '{"data":[', after: '],"has_more":true}' };

test("what is written in pieces is what would be written in one go, in as many bytes as are told", async () => {
  const texts = fc.array(fc.string({ unit: "grapheme", size: "large" }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 60 }), async (some, times) => {
      const items = some.map((text) => text.repeat(times));
      const { chunks, bytes } = await jsonInPieces(items, { ...frame, pace: once });
      const sent = await buffer(streamInPieces(chunks, once));
      expect(sent.length).toBe(bytes);
      expect(sent.toString()).toBe(JSON.stringify({ data: items.map(frame.toJson), has_more: true }));
    }),
    { numRuns: 50 },
  );
});

test("others have a turn after each item and after each chunk, and no chunk is larger than an item beyond its size", async () => {
  const items = Array.from({ length: 1_000 }, (_, n) => `${n} `.repeat(500));
  const longest = Math.max(...items.map((item) => item.length)) + 20;
  const writing = everyStep();
  const { chunks } = await jsonInPieces(items, { ...frame, pace: writing.pace });
  expect(writing.steps()).toBe(items.length);
  expect(chunks.length).toBeGreaterThan(50);
  expect(Math.max(...chunks.map((chunk) => Buffer.byteLength(chunk)))).toBeLessThan(32 * 1024 + longest);
  const sending = everyStep();
  await buffer(streamInPieces(chunks, sending.pace));
  expect(sending.steps()).toBe(chunks.length);
});
