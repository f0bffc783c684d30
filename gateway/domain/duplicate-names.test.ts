import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { duplicateName } from "./duplicate-names.ts";

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
    [`{${Array.from({ length: 20 }, (_, i) => `"k${i}":${i}`).join()},"k3":0}`, "k3"],
    [`{${Array.from({ length: 20 }, (_, i) => `"k${i}":${i}`).join()},"k15":0}`, "k15"],
  ])("is found in %s", (text, path) => {
    expect(duplicateName(text)).toBe(path);
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
    expect(duplicateName(text)).toBeUndefined();
  });

  test("of whatever length makes no long error", () => {
    const name = "n".repeat(100_000);
    expect(duplicateName(`{"${name}":{"${name}":1,"${name}":2}}`)?.length).toBeLessThan(600);
    const deep = `${'{"a":'.repeat(10_000)}{"x":1,"x":2}${"}".repeat(10_000)}`;
    expect(duplicateName(deep)?.length).toBeLessThan(600);
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
        expect(duplicateName(text) !== undefined).toBe(found);
      }),
      { numRuns: 500 },
    );
    expect(twice).toBeGreaterThan(5);
  });
});

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
