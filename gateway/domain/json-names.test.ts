import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { faultsOf, type JsonBounds } from "./json-names.ts";

describe("a name that its object has twice", () => {
  test.each([
    ['{"model":"a","model":"b"}', "model"],
    ['{"model":"a","mod\\u0065l":"b"}', "model"],
    ['{"\\u006eo":1,"n\\u006f":1,"\\u006e\\u006f":2}', "no"],
    ['{ "n" : 128 , "x" : [ ] , "n" : 1 }', "n"],
    ['{"a":{"a":{"b":1}},"b":{"a":1},"c":[{"a":1},{"a":2,"a":3}]}', "c[1].a"],
    [
      '{"messages":[{"role":"user","content":[{"type":"text"},{"type":"text","type":"image_url"}]}]}',
      "messages[0].content[1].type",
    ],
    ['{"reasoning":{"effort":"low","effort":"high"}}', "reasoning.effort"],
    ['{"extra_body":{"google":{"a":[1,[2,{"x":[],"x":{}}]]}}}', "extra_body.google.a[1][1].x"],
    ['{"":1,"":2}', ""],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"a\\"b":1,"a\\"b":2}', 'a"b'],
    [`${fields(20)},"k3":0}`, "k3"],
    [`${fields(20)},"k15":0}`, "k15"],
    ['[{"a":1,"b":2},{"a":1,"b":2,"a":3}]', "[1].a"],
    [`[${fields(20)}},${fields(20)}},${fields(20)},"k15":0}]`, "[2].k15"],
    [`[${fields(20)},"x":0},${fields(20)},"x":1},${fields(20)},"y":0,"x":1,"k1":1}]`, "[2].k1"],
  ])("is found in %s", (text, path) => {
    expect(twiceIn(text)).toBe(path);
  });

  test.each([
    '{"a":"\\"a\\":1,\\"a\\":2","b":"{\\"b\\":1"}',
    '{"a":"\\\\","b":"\\\\\\"","c":","}',
    '{"a":1,"A":2,"a ":3}',
    '[{"a":1},{"a":1}]',
    '{"a":[{"b":1},{"b":1}],"b":["b","b"]}',
    '"a"',
    "12",
  ])("is not found in %s", (text) => {
    expect(twiceIn(text)).toBeUndefined();
  });

  test("of whatever length makes no long error", () => {
    const name = "n".repeat(100_000);
    expect(twiceIn(`{"${name}":{"${name}":1,"${name}":2}}`)?.length).toBeLessThan(600);
    const deep = `${'{"a":'.repeat(10_000)}{"x":1,"x":2}${"}".repeat(10_000)}`;
    expect(twiceIn(deep)?.length).toBeLessThan(600);
  });

  test("is found where, and only where, a reader of one name after the other finds one", () => {
    const name = fc.oneof(
      fc.constantFrom("a", "b", "n", "model", 'q"', "\\", "é", "\u2028", "", "__proto__"),
      fc.string({ maxLength: 3 }),
    );
    const { tree } = fc.letrec<{ tree: string; object: string }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom("1", "true", "null", "-0.5e3"),
        fc.string().map((text) => JSON.stringify(text)),
        fc.array(tie("tree"), { maxLength: 4 }).map((items) => `[${items.join(" , ")}]`),
        tie("object"),
      ),
      object: fc
        .array(fc.tuple(name, fc.boolean(), tie("tree")), { maxLength: 12 })
        .map((fields) => `{${fields.map(([key, escaped, value]) => `${spelt(key, escaped)} :${value}`).join(",\n")}}`),
    }));
    let twice = 0;
    fc.assert(
      fc.property(tree, (text) => {
        const found = slowly(text);
        if (found) twice++;
        expect(twiceIn(text) !== undefined).toBe(found);
      }),
      { numRuns: 500 },
    );
    expect(twice).toBeGreaterThan(5);
  });
});

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
    expect(heavyIn(text, { shapes: 10, parts: parts - 1 })).toBe("parts");
    expect(heavyIn(text, { shapes: 10, parts })).toBeUndefined();
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

/** An object of so many fields, not yet closed. */
function fields(count: number): string {
  return `{${Array.from({ length: count }, (_, i) => `"k${i}":${i}`).join()}`;
}

function twiceIn(text: string): string | undefined {
  return faultsOf(text).twice;
}

/** A name as JSON, each character of it escaped or none but those that must be. */
function spelt(name: string, escaped: boolean): string {
  if (!escaped) return JSON.stringify(name);
  return `"${[...Array(name.length).keys()].map((i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;
}

/** Whether any object has a name twice: a reader of JSON by its grammar, a character at a time. */
function slowly(text: string): boolean {
  let at = 0;
  let twice = false;
  const space = () => {
    while (/\s/.test(text[at] ?? "")) at++;
  };
  const string = () => {
    const start = at++;
    while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at++;
    return String(JSON.parse(text.slice(start, at)));
  };
  const value = (): void => {
    space();
    const first = text[at];
    if (first === '"') {
      string();
    } else if (first === "{" || first === "[") {
      const names: string[] = [];
      at++;
      space();
      while (text[at] !== "}" && text[at] !== "]") {
        if (first === "{") {
          const name = string();
          twice ||= names.includes(name);
          names.push(name);
          space();
          at++;
        }
        value();
        space();
        if (text[at] === ",") at++;
        space();
      }
      at++;
    } else {
      while (/[\w.+-]/.test(text[at] ?? "")) at++;
    }
  };
  value();
  return twice;
}

function wide(names: number): object {
  return Object.fromEntries(Array.from({ length: names }, (_, i) => [`n${i}`, i]));
}

function heavyIn(text: string, bounds: JsonBounds): keyof JsonBounds | undefined {
  return faultsOf(text, bounds).heavy;
}

/** The least bound that is kept. */
function countOf(text: string): number {
  for (let shapes = 0; ; shapes++) if (heavyIn(text, { shapes, parts: 1_000 }) === undefined) return shapes;
}

/** Each list of first names that an object has. */
function shapesOf(value: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof value !== "object" || value === null) return found;
  const names = Array.isArray(value) ? [] : Object.keys(value);
  for (const at of names.keys()) found.add(JSON.stringify(names.slice(0, at + 1)));
  for (const inner of Object.values(value)) shapesOf(inner, found);
  return found;
}
