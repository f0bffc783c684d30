import { expect, test } from "vitest";
import { answered, answeredBy, usageFormats } from "./testing-usages.ts";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

/** Where each format has the pieces of its answer. */
const wholes: Readonly<Record<string, (pieces: string) => string>> = {
  chat: (pieces) => `{"id":"x","choices":${pieces}}`,
  completions: (pieces) => `{"id":"x","choices":${pieces}}`,
  responses: (pieces) => `{"id":"x","status":"completed","output":${pieces}}`,
  messages: (pieces) => `{"id":"x","type":"message","content":${pieces}}`,
  converse: (pieces) => `{"output":{"message":{"content":${pieces}}}}`,
  gemini: (pieces) => `{"candidates":${pieces}}`,
};

const ways = usageFormats.flatMap((format) =>
  format.dialects.flatMap((dialect) =>
    [nested(100_000), "[1,2,3]", '["hello"]', "[null]", "[[{}]]", "[{}]", '"hello"', "{}", "17"].map((pieces) => ({
      format,
      dialect,
      pieces,
      name: format.name,
      shown: pieces.slice(0, 20),
    })),
  ),
);

test.each(ways)(
  "$name for $dialect: an answer of $shown is none, and is not charged",
  ({ format, dialect, pieces }) => {
    const body = wholes[format.name]?.(pieces) ?? "";
    expect(() => answeredBy(format, dialect, Buffer.from(body))).toThrow(
      expect.objectContaining({ code: "upstream_error" }),
    );
  },
);

const chat = usageFormats.filter(({ name }) => name === "chat");

test.each(chat.flatMap((format) => format.dialects.map((dialect) => ({ format, dialect }))))(
  "a stream in which nothing can be read has not come to its end: $dialect",
  ({ format, dialect }) => {
    const data = `{"id":"x","choices":${nested(1_000)}}`;
    const absurd = { ...format, stream: () => [{ data }, { data: "[DONE]" }] };
    expect(() => answered(absurd, dialect, true, [])).toThrow("the stream is not complete");
  },
);

test("a stream with something that is nested too deeply beside its text is answered; only its document is cut", () => {
  const [format] = chat;
  if (format === undefined) throw new Error("no such format");
  const deep = `{"id":"x","choices":[{"index":0,"delta":{"content":"a","junk":${nested(100_000)}}}]}`;
  const [first, ...rest] = format.stream([]);
  const odd = { ...format, stream: () => [...(first === undefined ? [] : [first]), { data: deep }, ...rest] };
  const { usage, document } = answered(odd, "openai.chat", true, []);
  expect(usage.outputTokens).toBeGreaterThan(0n);
  expect(document).toEqual({ body: new Uint8Array(), truncated: true });
});
