import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bigintArray,
  booleanArray,
  byteaArray,
  doubleArray,
  integerArray,
  jsonbArray,
  textArray,
  timestamptzArray,
} from "./arrays.ts";
import { createDatabase, type Database } from "./database.ts";
import { statement } from "./statement.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

let postgres: TestPostgres;
let db: Database<unknown>;
beforeAll(async () => {
  postgres = await testPostgres();
  db = createDatabase({ url: postgres.url, schema: "public", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  await db.close();
  await postgres.stop();
});

/** Whatever goes through the encoder and PostgreSQL comes back as it was. */
async function holds<T>(type: string, values: fc.Arbitrary<T>, encode: (values: readonly (T | null)[]) => Buffer) {
  const echo = statement(`echo ${type}`, `select v from unnest($1::${type}[]) with ordinality as t(v, i) order by i`);
  const array = fc.array(fc.option(values), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(array, async (sent) => {
      const rows = await db.query<{ v: T | null }>(echo, [encode(sent)]);
      expect(rows.map(({ v }) => v)).toEqual(sent);
    }),
    { numRuns: 60 },
  );
}

const text = fc.string({ unit: "grapheme", maxLength: 60 }).filter((value) => !value.includes("\0"));

describe("array parameters arrive as they were sent", () => {
  test("bigint[]", () => holds("bigint", fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), bigintArray));
  test("integer[]", () => holds("integer", fc.integer(), integerArray));
  test("double precision[]", () => holds("double precision", fc.double(), doubleArray));
  test("boolean[]", () => holds("boolean", fc.boolean(), booleanArray));
  test("text[]", () => holds("text", text, textArray));
  test("bytea[]", () =>
    holds(
      "bytea",
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      byteaArray,
    ));
  test("jsonb[]", () =>
    holds("jsonb", fc.dictionary(fc.constantFrom("a", "b"), text, { noNullPrototype: true }), (values) =>
      jsonbArray(values.map((value) => value && JSON.stringify(value))),
    ));
  test("timestamptz[]", () => {
    const dates = fc.date({ min: new Date("1715-01-01"), max: new Date("2285-01-01"), noInvalidDate: true });
    return holds("timestamptz", dates, timestamptzArray);
  });
  test("text[] beyond the roomy size", async () => {
    const sent = ["é".repeat(50_000), null, "", "x".repeat(100_000)];
    const rows = await db.query(statement("long", "select v from unnest($1::text[]) as t(v)"), [textArray(sent)]);
    expect(rows).toEqual(sent.map((v) => ({ v })));
  });
});

test("values that the type cannot hold are refused, not cut", () => {
  expect(() => bigintArray([2n ** 63n])).toThrow(RangeError);
  expect(() => integerArray([2 ** 31])).toThrow(RangeError);
  expect(() => integerArray([0.5])).toThrow(RangeError);
  expect(() => timestamptzArray([new Date(Number.NaN)])).toThrow(RangeError);
});
