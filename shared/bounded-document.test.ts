import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundDocument, boundDocumentInPieces } from "./bounded-document.ts";

const bound = (value: unknown, maxBytes: number, space?: number): string =>
  Buffer.from(boundDocument(Buffer.from(JSON.stringify(value, null, space)), maxBytes)).toString();

describe("a document", () => {
  test("that fits stays as it is", () => {
    const document = Buffer.from('{"a": [1, 2]}');
    expect(boundDocument(document, 1_024)).toBe(document);
  });

  test("keeps what is short behind what is long, and says what is missing", () => {
    const answer = {
      id: "chatcmpl-1",
      choices: [{ message: { role: "assistant", content: "é".repeat(100_000) }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3, completion_tokens: 50_000 },
    };
    const kept = JSON.parse(bound(answer, 10_000)) as typeof answer;
    expect({ ...kept, choices: [] }).toEqual({ ...answer, choices: [] });
    expect(kept.choices[0]?.finish_reason).toBe("stop");
    expect(kept.choices[0]?.message.content).toMatch(/^é{500,}\.\.\.\[\d+ more bytes cut\]$/);
  });

  test("of many items keeps the first, however many there are", () => {
    const answer = { data: Array.from({ length: 50_000 }, (_, n) => n), usage: { total_tokens: 7 } };
    const kept = JSON.parse(bound(answer, 8_192, 1)) as { data: unknown[]; usage: unknown };
    expect(kept.usage).toEqual(answer.usage);
    expect(kept.data.slice(0, 500)).toEqual(answer.data.slice(0, 500));
    expect(kept.data.at(-1)).toBe(`...[${50_000 - kept.data.length + 1} more items cut]`);
  });

  test("of many fields keeps those for which there is room", () => {
    const fields = Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`field_${n}`, [n]]));
    const kept = JSON.parse(bound({ fields, usage: 1 }, 4_096)) as { fields: Record<string, unknown>; usage: number };
    expect(kept.usage).toBe(1);
    expect(kept.fields["..."]).toBe(`...[${9_000 - Object.keys(kept.fields).length + 1} more fields cut]`);
  });

  test.each([
    ["no JSON at all", "x".repeat(5_000)],
    ["half of a document", `{"a": ["${"x".repeat(5_000)}`],
    ["a comma without a value", `[${"1,".repeat(2_000)}]`],
    ["a comma at the end of all", `[${"1,".repeat(2_000)}`],
    ["two documents", `[${"1,".repeat(2_000)}2] 3`],
    ["a word that JSON does not know", `[${"1,".repeat(2_000)}undefined]`.replace("[1", "[nul")],
    ["a number without an end", "1".repeat(5_000)],
    ["brackets that do not match", `[${'{"a":1],'.repeat(1_000)}`],
    ["brackets without end", "[".repeat(5_000)],
    ["control characters", "\u0000\u0001".repeat(5_000)],
  ])("that is %s becomes a string of its beginning", (_, text) => {
    const kept = Buffer.from(boundDocument(Buffer.from(text), 1_024)).toString();
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(1_024);
    expect(JSON.parse(kept)).toMatch(/more bytes cut\]$/);
  });

  test("is never larger than allowed, and stays JSON: any value, any size, written in any way", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc
        .array(fc.constantFrom("\\", '"', "\ud83d\ude00", "é", "\n", "\u0000", "{", "]"), { maxLength: 300 })
        .map((all) => all.join("")),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.jsonValue(),
        text,
        fc.array(tie("value")),
        fc.dictionary(text, tie("value")),
      ),
    }));
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 3, maxLength: 30 }),
        fc.integer({ min: 1_024, max: 4_000 }),
        fc.nat(3),
        fc.boolean(),
        (all, maxBytes, space, escaped) => {
          const plain = JSON.stringify(all, null, space);
          // The same document with every character beyond ASCII spelt out.
          const json = escaped
            ? plain.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
            : plain;
          const kept = Buffer.from(boundDocument(Buffer.from(json), maxBytes)).toString();
          expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(Math.max(maxBytes, 0));
          const read: unknown = JSON.parse(kept);
          expect(Array.isArray(read)).toBe(true);
          // Cut between two characters: what was well formed stays so.
          if (plain.isWellFormed()) expect(JSON.stringify(read).isWellFormed()).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("of many megabytes is shortened piece by piece: others are served in between", async () => {
    const document = Buffer.from(
      `{"data":["${"A".repeat(6_000_000)}",${"[1,2],".repeat(400_000)}3],"usage":{"total_tokens":5}}`,
    );
    let turns = 0;
    let done = false;
    const turn = (): void => {
      turns++;
      if (!done) setImmediate(turn);
    };
    setImmediate(turn);
    const kept = await boundDocumentInPieces(document, 100_000);
    done = true;
    expect(turns).toBeGreaterThan(2);
    expect(kept).toEqual(boundDocument(document, 100_000));
    expect(JSON.parse(Buffer.from(kept).toString())).toMatchObject({ usage: { total_tokens: 5 } });
  });
});
