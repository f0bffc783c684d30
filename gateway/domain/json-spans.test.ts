import fc from "fast-check";
import { expect, test } from "vitest";
import { elementsOf, membersOf } from "./json-spans.ts";

const written = fc.tuple(fc.jsonValue(), fc.constantFrom(undefined, 2)).map(([value, space]) => ({ value, space }));

test("each member is found as it stands in the text, however it is written", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), written, (object, { space }) => {
      const text = Buffer.from(`  ${JSON.stringify(object, undefined, space)} `);
      const found = Object.fromEntries(
        [...membersOf(text)].map(([name, { start, end }]) => [name, JSON.parse(text.toString("utf8", start, end))]),
      );
      expect(found).toEqual(JSON.parse(JSON.stringify(object)));
    }),
  );
});

test("each element is found as it stands in the text", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), written, (array, { space }) => {
      const text = Buffer.from(` ${JSON.stringify(array, undefined, space)}`);
      const found = elementsOf(text).map(({ start, end }) => JSON.parse(text.toString("utf8", start, end)));
      expect(found).toEqual(JSON.parse(JSON.stringify(array)));
    }),
  );
});

test("numbers and escapes stay as they are written", () => {
  const text = Buffer.from('{"a": 9007199254740993.0, "body" : {"b":[1e2,"\\u00e9]}"]} }');
  const at = membersOf(text).get("body");
  expect(text.toString("utf8", at?.start, at?.end)).toBe('{"b":[1e2,"\\u00e9]}"]}');
});

test("what is no object has no members, what is no array has no elements", () => {
  expect(membersOf(Buffer.from("[1]")).size).toBe(0);
  expect(elementsOf(Buffer.from('{"a":1}'))).toEqual([]);
});
