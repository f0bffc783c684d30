import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { prettyJson, textOf } from "./answer-text.ts";
import { curlOf } from "./curl.ts";
import { marksUntil, phasesOf } from "./phases.ts";

test("the time of a request is cut into its steps, attempts and answer, in order", () => {
  const attempt = {
    ...{ id: "1", platform: "openai", upstream_model: "m", upstream_request_id: null, http_status: 429, fault: null },
    resent: false,
  };
  const phases = phasesOf({
    timeline: [
      { name: "authenticated", at_ms: 1 },
      { name: "resolved", at_ms: 2 },
      { name: "reserved", at_ms: 5 },
      { name: "upstream_sent", at_ms: 8 },
      { name: "first_byte", at_ms: 11 },
      { name: "last_byte", at_ms: 20 },
      { name: "settled", at_ms: 31 },
    ],
    attempts: [
      {
        ...attempt,
        channel: "a",
        error: { code: "upstream_overloaded", message: "" },
        start_ms: 6,
        head_ms: 7,
        end_ms: 7,
      },
      { ...attempt, channel: "b", error: null, start_ms: 8, head_ms: 10, end_ms: 19 },
    ],
  });
  expect(phases.map(({ name, startMs, endMs, failed }) => [name, startMs, endMs, failed])).toEqual([
    ["authenticated", 0, 1, false],
    ["resolved", 1, 2, false],
    ["reserved", 2, 5, false],
    ["a", 6, 7, true],
    ["b", 8, 19, false],
    ["answer", 11, 20, false],
    ["settled", 20, 31, false],
  ]);
  expect(phasesOf({ timeline: [], attempts: [] })).toEqual([]);
});

test("an axis has few marks, round ones, and none beyond its end", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1e9, noNaN: true }), (untilMs) => {
      const marks = marksUntil(untilMs);
      expect(marks[0]).toBe(0);
      expect(marks.length).toBeGreaterThanOrEqual(3);
      expect(marks.length).toBeLessThanOrEqual(8);
      expect(marks.at(-1)).toBeLessThanOrEqual(untilMs * 1.000_01);
    }),
  );
});

test("the line for a shell says what it should, whatever the model is called", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 30 }).filter((name) => !name.includes("\0")),
      (model) => {
        const life = { dialect: "openai.chat", requested_model: model, stream: true, id: "1" };
        const line = curlOf(life, "http://gateway").replace(/^curl/, "printf '%s\\n'");
        const words = execFileSync("sh", ["-c", `THROUGHLINE_KEY=k; ${line} end`], { encoding: "utf8" }).split("\n");
        expect(words.slice(0, 5)).toEqual([
          "http://gateway/v1/chat/completions",
          "-H",
          "Authorization: Bearer k",
          "-H",
          "Content-Type: application/json",
        ]);
        expect(JSON.parse(words[6] ?? "")).toMatchObject({ model, stream: true });
      },
    ),
    { numRuns: 20 },
  );
});

test.each([
  ['{"choices":[{"message":{"content":"one"}},{"message":{"content":"two"}}]}', "one\n\ntwo"],
  ['{"content":[{"type":"thinking","thinking":"…"},{"type":"text","text":"hello"}]}', "hello"],
  ['{"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}]}', "hi"],
  ['{"candidates":[{"content":{"parts":[{"text":"yes"}]}}]}', "yes"],
  ['{"choices":[{"message":{"content":null}}]}', undefined],
  ['{"data":[{"embedding":[1]}]}', undefined],
  ["no JSON", undefined],
])("of %s a person reads %s", (response, text) => expect(textOf(response)).toBe(text));

test("what is no JSON stays as it is", () => {
  expect(prettyJson('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(prettyJson("event: x")).toBe("event: x");
});
