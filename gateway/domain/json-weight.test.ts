import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heavyIn } from "./json-weight.ts";

describe("the ways in which names of a text follow each other", () => {
  test.each<[string, unknown, number]>([
    ["of one object", { a: 1, b: 2, c: 3 }, 3],
    ["of objects that are alike", Array.from({ length: 100 }, () => ({ a: 1, b: { a: 2 } })), 2],
    [
      "of objects with another order",
      [
        { a: 1, b: 2 },
        { b: 1, a: 2 },
      ],
      4,
    ],
    ["of objects that go on in another way", [{ a: 1, b: 2 }, { a: 1, c: 2 }, { a: 1 }], 3],
    ["behind an object within", { a: { x: 1 }, b: [{ x: 1 }], c: 1 }, 4],
    ["of objects with 502 names", [wide(502), wide(502), wide(502)], 500 + 3 * 2],
    ["of no name but texts that look like some", ['{"a":1', ':"b":', "\\"], 0],
    ["of a name that ends in a backslash", { "a\\": 1, 'b\\"': 2 }, 2],
  ])("%s", (_name, value, count) => {
    expect(countOf(JSON.stringify(value))).toBe(count);
    expect(countOf(JSON.stringify(value, undefined, "\t"))).toBe(count);
  });

  test("are as many as a reader of the value finds", () => {
    const names = fc
      .oneof(fc.constantFrom("a", "b", "c"), fc.string({ maxLength: 3 }))
      .filter((name) => !/^\d+$/.test(name));
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.string(),
        fc.integer(),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(names, tie("value"), { maxKeys: 5 }),
      ),
    }));
    let most = 0;
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (given, indent) => {
        const shapes = shapesOf(given);
        most = Math.max(most, shapes.size);
        expect(countOf(JSON.stringify(given, undefined, indent))).toBe(shapes.size);
      }),
      { numRuns: 500 },
    );
    expect(most).toBeGreaterThan(5);
  });

  test.each([
    ["[]", 1],
    ['[{},{},"[{",[1,2]]', 4],
    ['{"a":{"[":[]}}', 3],
  ])("and the objects and lists of %s are counted", (text, parts) => {
    const long = text + " ".repeat(100);
    expect(heavyIn(long, { shapes: 10, parts: parts - 1 })).toBe("parts");
    expect(heavyIn(long, { shapes: 10, parts })).toBeUndefined();
  });

  test("end the search in texts that are no JSON", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('"', "{", "}", ":", "\\", "a", " ", "[")), (parts) => {
        expect(["parts", "shapes", undefined]).toContain(heavyIn(parts.join(""), { shapes: 0, parts: 1 }));
      }),
      { numRuns: 500 },
    );
  });
});

function wide(names: number): object {
  return Object.fromEntries(Array.from({ length: names }, (_, i) => [`n${i}`, i]));
}

/** The least bound that is kept. A text is searched whatever its length where blanks follow it. */
function countOf(text: string): number {
  const long = text + " ".repeat(4_000);
  for (let shapes = 0; ; shapes++) if (heavyIn(long, { shapes, parts: 1_000 }) === undefined) return shapes;
}

/** Each list of first names that an object has. */
function shapesOf(value: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof value !== "object" || value === null) return found;
  const names = Array.isArray(value) ? [] : Object.keys(value);
  for (const at of names.keys()) found.add(JSON.stringify(names.slice(0, at + 1)));
  for (const inner of Object.values(value)) shapesOf(inner, found);
  return found;
}
