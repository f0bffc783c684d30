import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { liftValues } from "../../wire/lift-values.ts";
import { floatsOf, pack, shortened, unpack, type Vector, vectorOf, vectorsIn } from "./vector.ts";

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const floats = fc.array(float32, { minLength: 1, maxLength: 40 }).map((values) => Float32Array.from(values));

/** The bits: -0 is not 0. */
const bits = (values: Float32Array) => Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length));

function first(vectors: readonly Vector[]): Vector {
  const [vector] = vectors;
  if (vector === undefined) throw new Error("no vector");
  return vector;
}

/** A vector as an answer holds it. */
function read(json: string) {
  const lifted = liftValues(Buffer.from(json));
  if (lifted === undefined) throw new Error("not valid");
  const { v } = lifted.value as { v: unknown };
  return first(vectorsIn(lifted, [v]));
}

describe("base64 and lists of numbers", () => {
  test("say the same number to the bit, whichever way they are converted", () => {
    fc.assert(
      fc.property(floats, (values) => {
        const base64 = pack(values);
        expect(bits(unpack(base64) ?? new Float32Array())).toEqual(bits(values));
        const asText = read(JSON.stringify({ v: base64 }));
        const list = vectorOf(floatsOf(asText), "float");
        const asList = read(`{"v":${list.text}}`);
        expect([asText.dimensions, asList.dimensions]).toEqual([values.length, values.length]);
        // JSON has no -0 of its own spelling in JSON.stringify.
        const same = (one: Float32Array) => Array.from(one, (value) => value + 0);
        expect(same(floatsOf(asList))).toEqual(same(values));
        expect(vectorOf(floatsOf(asList), "base64").dimensions).toBe(values.length);
      }),
    );
  });

  test("is what Python's struct.pack('<3f', 1, -2.5, 0.1) writes", () => {
    expect(pack(Float32Array.of(1, -2.5, 0.1))).toBe("AACAPwAAIMDNzMw9");
  });

  test("bytes that are right already are passed on as they are", () => {
    const base64 = pack(Float32Array.from({ length: 64 }, (_, index) => index / 7));
    const body = Buffer.from(JSON.stringify({ v: base64 }));
    const lifted = liftValues(body);
    const vector = lifted && first(vectorsIn(lifted, [(lifted.value as { v: unknown }).v]));
    expect(vector?.text.buffer).toBe(body.buffer);
    expect(vector?.text.toString()).toBe(base64);
    expect(read('{"v":[ 1.50, -2e-05,3E+2 ]}').text.toString()).toBe("[ 1.50, -2e-05,3E+2 ]");
  });

  test("other spellings of base64 are written as clients read them", () => {
    const values = Float32Array.from({ length: 60 }, () => -1.9999998807907104);
    const base64 = pack(values);
    expect(base64).toContain("/");
    const spellings = [base64.replaceAll("/", "\\/"), base64.replaceAll("/", "_").replaceAll("+", "-")];
    for (const spelling of spellings) expect(read(`{"v":"${spelling}"}`).text.toString()).toBe(base64);
    expect(read(`{"v":"${pack(Float32Array.of(1)).replaceAll("=", "")}"}`).text.toString()).toBe("AACAPw==");
  });

  test.each([
    ["NaN", pack(Float32Array.of(1, Number.NaN))],
    ["infinite", pack(Float32Array.of(Number.POSITIVE_INFINITY))],
    ["half a number", Buffer.from([1, 2, 3]).toString("base64")],
    ["no base64", "hello world!"],
    ["a long text", "lorem ipsum ".repeat(20)],
    ["a long text that looks so at first", `${"A".repeat(80)} ${"A".repeat(80)}`],
  ])("%s is refused", (_name, text) => {
    expect(() => read(JSON.stringify({ v: text }))).toThrow(/cannot be used/);
  });

  test.each([
    "[1,null]",
    "[1,NaN]",
    "[1,1e39]",
    "[1e999]",
    "[01]",
    "[1.]",
    "[1 2]",
    "[1,]",
    "[-]",
    "[1e]",
    `[${"9".repeat(40)}]`,
  ])("%s is no list of numbers", (list) => expect(liftValues(Buffer.from(`{"v":${list}}`))).toBeUndefined());

  test.each(["null", "[]", "[null,1]", '["a"]', "{}", "7", "true", '""'])("%s is no vector", (value) => {
    expect(() => read(`{"v":${value}}`)).toThrow(/cannot be used/);
  });

  test("every list that JSON.parse takes for numbers of a float32 is taken, and no other", () => {
    const number = fc.oneof(fc.double(), fc.integer(), fc.constant(null), fc.maxSafeNat());
    const spaces = fc.constantFrom("", " ", "\n\t");
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 8 }), spaces, (values, space) => {
        const text = `{"a":[${values.map((value) => `${space}${JSON.stringify(value)}${space}`).join(",")}],"b":"x"}`;
        const lifted = liftValues(Buffer.from(text));
        const isGood = values.every((value) => value !== null && Number.isFinite(Math.fround(value)));
        const isListOfOthers = values[0] === null || !Number.isFinite(values[0]);
        if (isGood) expect(lifted?.lifted[0]?.count).toBe(values.length);
        else if (!isListOfOthers) expect(lifted).toBeUndefined();
      }),
    );
  });
});

describe("a vector that is cut", () => {
  test("has the length 1 and the direction of its first numbers", () => {
    fc.assert(
      fc.property(floats, fc.nat(), (values, at) => {
        const dimensions = 1 + (at % values.length);
        const short = shortened(values, dimensions);
        const given = Math.hypot(...values.subarray(0, dimensions));
        expect(short.length).toBe(dimensions);
        if (given === 0 || !Number.isFinite(given) || given < 1e-30) return;
        expect(Math.hypot(...short)).toBeCloseTo(1, 5);
        for (const [index, value] of short.entries())
          expect(value * given).toBeCloseTo(values[index] ?? 0, 5 - Math.ceil(Math.log10(1 + given)));
      }),
    );
  });

  test("stays zero where it is zero", () => {
    expect(Array.from(shortened(Float32Array.of(0, 0, 1), 2))).toEqual([0, 0]);
  });
});
