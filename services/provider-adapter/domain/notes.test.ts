import { expect, test } from "vitest";
import { adapters } from "../adapters/registry.ts";
import type { Asked } from "./exchange.ts";
import { createNotes, maxNoteLength, maxNotes } from "./notes.ts";

test("each is told once, and the last one says how many more there were", () => {
  const notes = createNotes();
  for (let i = 0; i < maxNotes + 7; i++) notes.note(`field ${i}`);
  notes.note("field 0");
  expect(notes.list()).toHaveLength(maxNotes + 1);
  expect(notes.list().at(-1)).toBe("7 more notes were left out");
});

const bodies: Readonly<Record<string, object>> = {
  "openai.chat": { messages: [{ role: "user", content: "x" }] },
  "openai.completions": { prompt: "x" },
  "openai.responses": { input: "x", include: Array.from({ length: 90 }, (_, i) => `thing-${i}-${"y".repeat(900)}`) },
  "anthropic.messages": { max_tokens: 5, messages: [{ role: "user", content: "x" }] },
};

test.each(Object.keys(adapters).flatMap((adapter) => Object.keys(bodies).map((dialect) => ({ adapter, dialect }))))(
  "whatever fields a client makes up, notes stay short: $dialect to $adapter",
  ({ adapter, dialect }) => {
    const madeUp = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${i}\r\n${"n".repeat(900)}`, 1]));
    const google = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`g${i}${"n".repeat(900)}`, 1]));
    const asked: Asked = {
      requestId: 42n,
      model: "m",
      upstreamModel: "some-model",
      control: "",
      stream: false,
      includeUsage: false,
      body: Buffer.from(JSON.stringify({ ...bodies[dialect], google, ...madeUp })),
      headers: {},
      createdUnixS: 1,
      keepResponse: true,
    };
    const notes =
      adapters[adapter]?.open("{}", "https://bedrock-runtime.us-east-1.amazonaws.com").exchanges[dialect]?.(asked)
        .notes ?? [];
    expect(notes.length).toBeLessThanOrEqual(maxNotes + 1);
    for (const note of notes) expect(note.length).toBeLessThanOrEqual(maxNoteLength);
    expect(notes.join("")).not.toMatch(/\p{Cc}/u);
  },
);
