import fc from "fast-check";
import { expect, test } from "vitest";
import { findElements } from "./json-elements.ts";

function read(
  text: string | Buffer,
  pieceBytes: number,
  maxBytes = 1_000_000,
): { found: boolean; elements: unknown[] } {
  const finder = findElements("requests", maxBytes, (index) => new Error(`too long: ${index}`));
  const bytes = Buffer.from(text);
  const elements: unknown[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    for (const element of finder.push(bytes.subarray(at, at + pieceBytes)))
      elements.push(JSON.parse(element.toString()));
  }
  return { found: finder.end(), elements };
}

test("the elements are those that JSON.parse finds, wherever the text is cut", () => {
  const others = fc.dictionary(
    fc.string().filter((name) => name !== "requests" && name !== "__proto__"),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(
      others,
      fc.array(fc.jsonValue()),
      others,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0, 2),
      (a, requests, b, cut, indent) => {
        const text = JSON.stringify({ ...a, requests, ...b }, null, indent);
        // JSON.parse knows no negative zero in a text that JSON.stringify has written.
        expect(read(text, cut)).toEqual({ found: true, elements: JSON.parse(JSON.stringify(requests)) });
      },
    ),
  );
});

test("what JSON.parse refuses at the level of the list is refused", () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { minLength: 1 }),
      fc.nat(),
      fc.constantFrom("", ",", "}", "]", '"', "x", ":"),
      (requests, where, instead) => {
        const text = JSON.stringify({ requests });
        const at = where % text.length;
        const changed = text.slice(0, at) + instead + text.slice(at + 1);
        const isJson = (() => {
          try {
            return JSON.parse(changed) as { requests?: unknown };
          } catch {
            return undefined;
          }
        })();
        if (isJson === undefined) expect(() => read(changed, 7)).toThrow();
        else if (Array.isArray(isJson.requests)) expect(read(changed, 7).elements).toEqual(isJson.requests);
      },
    ),
    { numRuns: 1_000 },
  );
});

test.each([
  ["", "is empty"],
  ["[]", "is not valid JSON"],
  ['{"requests":[1]', "is not valid JSON"],
  ['{"requests":[1]}x', "is not valid JSON"],
  ['{"requests":[1,]}', "is not valid JSON"],
  ['{"requests":[,1]}', "is not valid JSON"],
  ['{"requests":[1],}', "is not valid JSON"],
  ['{"requests":[1] "a":2}', "is not valid JSON"],
  ['{"requests":[1],"requests":[2]}', "requests is given twice"],
  ['{"requests":{}}', "requests must be an array"],
  [`{"other":"${"x".repeat(70_000)}","requests":[]}`, "is not valid JSON"],
])("%j is refused: %s", (text, said) => {
  expect(() => read(text, 5)).toThrow(said);
});

test("an element that is too long is refused by its place, before it has ended", () => {
  expect(() => read(`{"requests":[1,"${"x".repeat(200)}`, 16, 100)).toThrow("too long: 1");
  expect(read('\ufeff{"a":1}', 1)).toEqual({ found: false, elements: [] });
});
