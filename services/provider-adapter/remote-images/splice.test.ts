import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JsonPath, pathText, splice } from "./splice.ts";

const text = (json: string, replacements: { path: JsonPath; text: string }[]) =>
  Buffer.from(splice(Buffer.from(json), replacements)).toString();

/** Every place of a value. */
function placesOf(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([name, inner]) => [[...at, name], ...placesOf(inner, [...at, name])]);
}

function replaced(value: unknown, [step, ...rest]: readonly (string | number)[], by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((item, i) => (i === step ? replaced(item, rest, by) : item));
  const object = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(object).map(([name, item]) => [name, name === step ? replaced(item, rest, by) : item]),
  );
}

describe("splice", () => {
  test("any place of any value, however it is spelled", () => {
    const json = fc.json({ maxDepth: 5 }).filter((given) => !given.includes("__proto__"));
    fc.assert(
      fc.property(json, fc.nat(), fc.constantFrom(undefined, 2), (given, pick, indent) => {
        const value: unknown = JSON.parse(given);
        const places = placesOf(value);
        const path = places[pick % Math.max(1, places.length)];
        if (path === undefined) return;
        const spelled = JSON.stringify(value, null, indent);
        expect(JSON.parse(text(spelled, [{ path, text: '{"new":[1]}' }]))).toEqual(replaced(value, path, { new: [1] }));
      }),
      { numRuns: 300 },
    );
  });

  test("leaves every other byte alone", () => {
    const json = '{ "n": 12345678901234567890, "a": [1e400, "\\u0061\\"", {"b" : "x\\\\" , "c":"y"}] , "é":"ü"}';
    expect(text(json, [{ path: ["a", 2, "b"], text: '"z"' }])).toBe(json.replace('"x\\\\"', '"z"'));
    expect(text(json, [{ path: ["é"], text: "1" }])).toBe(json.replace('"ü"', "1"));
  });

  test("several at once; names in other spellings; what is not there is left out", () => {
    const json = '{"a":[{"u":"1"},{"u":"2"}],"\\u0062":{"u":"3"}}';
    const replacements = [
      { path: ["b", "u"], text: '"C"' },
      { path: ["a", 0, "u"], text: '"A"' },
      { path: ["a", 7, "u"], text: '"no"' },
      { path: ["a", 1, "u", "deeper"], text: '"no"' },
    ];
    expect(text(json, replacements)).toBe('{"a":[{"u":"A"},{"u":"2"}],"\\u0062":{"u":"C"}}');
    const bytes = Buffer.from(json);
    expect(splice(bytes, [{ path: ["nowhere"], text: "1" }])).toBe(bytes);
  });

  test("paths as errors name them", () => {
    expect(pathText(["messages", 0, "content", 1, "image_url", "url"])).toBe("messages[0].content[1].image_url.url");
  });
});
