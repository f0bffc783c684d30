import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldText, openFields, patchJson } from "./patch-json.ts";

// As JSON has it: -0 is written 0.
const object = fc
  .dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 })
  .map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)));
const spaced = fc.tuple(object, fc.constantFrom(undefined, 1, 2, "\t"));

/** What a patch must come to. */
function expected(value: Record<string, unknown>, patch: Record<string, string | undefined>): unknown {
  const result = new Map(Object.entries(value));
  for (const [name, text] of Object.entries(patch)) {
    if (text === undefined) result.delete(name);
    else result.set(name, JSON.parse(text));
  }
  return Object.fromEntries(result);
}

describe("patchJson", () => {
  test("equals parsing, changing and writing, for any object, layout and patch", () => {
    fc.assert(
      fc.property(
        spaced,
        fc.dictionary(fc.string({ maxLength: 6 }), fc.option(fc.json({ maxDepth: 2 }), { nil: undefined }), {
          maxKeys: 4,
        }),
        fc.array(fc.nat(), { maxLength: 3 }),
        ([value, indent], patch, picks) => {
          const names = Object.keys(value);
          const all: Record<string, string | undefined> = Object.assign(Object.create(null), patch);
          for (const pick of picks) {
            const name = names[pick % Math.max(1, names.length)];
            if (name !== undefined) all[name] = pick % 2 === 0 ? undefined : '{"new":[1,"}"]}';
          }
          const json = Buffer.from(JSON.stringify(value, null, indent));
          const patched = Buffer.from(patchJson(json, all)).toString();
          expect(JSON.parse(patched)).toEqual(expected(JSON.parse(json.toString()) as Record<string, unknown>, all));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("gives the same bytes back when nothing changes", () => {
    const json = Buffer.from('{"model" : "m", "n":1}');
    expect(patchJson(json, { model: '"m"', other: undefined })).toBe(json);
  });

  test("changes a field that occurs twice everywhere, so that no reader sees the old value", () => {
    const json = Buffer.from('{"model":"a","x":1,"model":"b"}');
    expect(Buffer.from(patchJson(json, { model: '"c"' })).toString()).toBe('{"model":"c","x":1,"model":"c"}');
  });

  test("finds a field whose name is spelled with escapes", () => {
    const json = Buffer.from('{"\\u006dodel":"a"}');
    expect(fieldText(json, "model")).toBe('"a"');
  });
});

test("fields that are opened once have the values that parsing gives, however a name is spelled", () => {
  fc.assert(
    fc.property(spaced, fc.string({ maxLength: 6 }), ([value, indent], other) => {
      const fields = openFields(Buffer.from(JSON.stringify(value, null, indent)));
      for (const name of [...Object.keys(value), other]) {
        const text = fields.text(name);
        const given = Object.hasOwn(value, name) ? value[name] : undefined;
        expect(text === undefined ? undefined : JSON.parse(text)).toEqual(given);
      }
    }),
  );
  const twice = openFields(Buffer.from('{"a":1,"\\u0061":2}'));
  expect(twice.text("a")).toBe("2");
});
