import { afterAll, beforeAll, expect, test } from "vitest";
import { bigintArray, byteaArray, textArray, timestamptzArray } from "./arrays.ts";
import { createDatabase, type Database } from "./database.ts";
import { statement } from "./statement.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

let postgres: TestPostgres;
let db: Database<unknown>;
beforeAll(async () => {
  postgres = await testPostgres();
  db = createDatabase({
    url: postgres.url,
    schema: "public",
    applicationName: "test",
    log: silentLog,
    maxConnections: 4,
  });
});
afterAll(async () => {
  await db.close();
  await postgres.stop();
});

test("smoke", async () => {
  const s = statement(
    "s",
    "select * from unnest($1::bigint[], $2::text[], $3::bytea[], $4::timestamptz[]) as t(a,b,c,d)",
  );
  const now = new Date();
  expect(
    await db.query(s, [
      bigintArray([1n, null]),
      textArray(["é", "b"]),
      byteaArray([Buffer.from("x"), null]),
      timestamptzArray([now, null]),
    ]),
  ).toEqual([
    { a: 1n, b: "é", c: Buffer.from("x"), d: now },
    { a: null, b: "b", c: null, d: null },
  ]);
});
