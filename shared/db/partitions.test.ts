import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase, type Database } from "./database.ts";
import { dropPartitionsBelow, ensureRangePartitions, listRangePartitions, type RangePartition } from "./partitions.ts";
import { statement } from "./statement.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

let postgres: TestPostgres;
let db: Database<unknown>;
beforeAll(async () => {
  postgres = await testPostgres();
  db = open();
});
afterAll(async () => {
  await db.close();
  await postgres.stop();
});

function open(): Database<unknown> {
  return createDatabase({
    url: postgres.url,
    schema: "history",
    applicationName: "test",
    log: silentLog,
    lockTimeoutMs: 2_000,
  });
}

const table = "history.record";
/** Ranges of 100 from `100 * first`. */
const ranges = (first: number, count: number): RangePartition[] =>
  Array.from({ length: count }, (_, index) => {
    const from = BigInt(first + index) * 100n;
    return { name: `record_${first + index}`, from, to: from + 100n };
  });
const insert = statement("insert", "insert into record (id) select unnest($1::bigint[])");
const count = statement("count", "select count(*)::int as count from record");
const tables = statement(
  "tables",
  "select c.relname::text as name from pg_class c where relnamespace = 'history'::regnamespace and relkind in ('r', 'p') order by 1",
);
const tableNames = async (): Promise<string[]> =>
  (await db.query<{ name: string }>(tables, [])).map(({ name }) => name);

beforeEach(async () => {
  await sql`drop schema if exists history cascade`.execute(db.kysely);
  await sql`create schema history`.execute(db.kysely);
  await sql`create table record (
    id bigint primary key, at timestamptz not null default now(), check (id >= 0)) partition by range (id)`.execute(
    db.kysely,
  );
  await sql`create index record_at on record (at)`.execute(db.kysely);
});

describe("ensureRangePartitions", () => {
  test("makes what is missing, with the table's indexes and rules, and nothing twice", async () => {
    expect(await ensureRangePartitions(db, { table, ranges: ranges(0, 2) })).toEqual(ranges(0, 2));
    expect(await ensureRangePartitions(db, { table, ranges: ranges(0, 3) })).toEqual(ranges(2, 1));
    expect(await listRangePartitions(db, table)).toEqual(ranges(0, 3));
    await db.query(insert, [[5n, 105n, 299n]]);
    await expect(db.query(insert, [[5n]])).rejects.toThrow("record_0_pkey");
    await expect(db.query(insert, [[300n]])).rejects.toThrow("no partition");
    const indexes = statement(
      "indexes",
      "select indexname::text as name from pg_indexes where tablename = 'record_2' order by 1",
    );
    expect(await db.query(indexes, [])).toEqual([{ name: "record_2_at_idx" }, { name: "record_2_pkey" }]);
  });

  test("leaves a range alone that a wider partition covers, and refuses one covered in part", async () => {
    await ensureRangePartitions(db, { table, ranges: [{ name: "wide", from: 0n, to: 1000n }] });
    expect(await ensureRangePartitions(db, { table, ranges: ranges(3, 2) })).toEqual([]);
    await expect(
      ensureRangePartitions(db, { table, ranges: [{ name: "across", from: 900n, to: 1100n }] }),
    ).rejects.toThrow('The range 900 to 1100 of "across" overlaps partition "wide" (0 to 1000) of history.record');
  });

  test("many at once agree", async () => {
    const others = [open(), open(), open()];
    try {
      const made = await Promise.all(
        others.map((other) => ensureRangePartitions(other, { table, ranges: ranges(0, 4) })),
      );
      expect(made.flat()).toHaveLength(4);
      expect(await listRangePartitions(db, table)).toEqual(ranges(0, 4));
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }
  });

  test("does not wait for readers and writers of the table", async () => {
    await ensureRangePartitions(db, { table, ranges: ranges(0, 1) });
    await db.transaction(async (trx) => {
      await trx.query(insert, [[1n]]);
      expect(await ensureRangePartitions(db, { table, ranges: ranges(1, 1) })).toEqual(ranges(1, 1));
    });
  });
});

describe("dropPartitionsBelow", () => {
  test("drops what lies wholly below the bound, and nothing else", async () => {
    await ensureRangePartitions(db, { table, ranges: ranges(0, 4) });
    await db.query(insert, [[5n, 105n, 250n, 350n]]);
    expect(await dropPartitionsBelow(db, { table, bound: 250n })).toEqual(["record_0", "record_1"]);
    expect(await dropPartitionsBelow(db, { table, bound: 250n })).toEqual([]);
    expect(await listRangePartitions(db, table)).toEqual(ranges(2, 2));
    expect(await tableNames()).toEqual(["record", "record_2", "record_3"]);
    expect(await db.query(count, [])).toEqual([{ count: 2 }]);
  });

  test("works beside a default partition too, which stays", async () => {
    await sql`create table record_rest partition of record default`.execute(db.kysely);
    await ensureRangePartitions(db, { table, ranges: ranges(0, 2) });
    expect(await dropPartitionsBelow(db, { table, bound: 100n })).toEqual(["record_0"]);
    expect(await tableNames()).toEqual(["record", "record_1", "record_rest"]);
  });

  test("finishes what a call that was held up by a reader had begun", async () => {
    await ensureRangePartitions(db, { table, ranges: ranges(0, 2) });
    await db.query(insert, [[5n, 150n]]);
    const impatient = createDatabase({
      url: postgres.url,
      schema: "history",
      applicationName: "test",
      log: silentLog,
      lockTimeoutMs: 50,
    });
    try {
      await db.transaction(
        async (trx) => {
          await trx.query(count, []);
          const drop = dropPartitionsBelow(impatient, { table, bound: 100n });
          await expect(drop).rejects.toMatchObject({ code: "service_unavailable" });
          // Begun: new readers no longer see it, the old one still does.
          expect(await db.query(count, [])).toEqual([{ count: 1 }]);
          expect(await trx.query(count, [])).toEqual([{ count: 2 }]);
        },
        { isolation: "repeatable read" },
      );
      expect(await dropPartitionsBelow(impatient, { table, bound: 100n })).toEqual(["record_0"]);
    } finally {
      await impatient.close();
    }
    expect(await tableNames()).toEqual(["record", "record_1"]);
  });

  test("drops what was detached by a call that ended before dropping it", async () => {
    await ensureRangePartitions(db, { table, ranges: ranges(0, 2) });
    await sql`comment on table record_0 is 'detached from history.record to be dropped'`.execute(db.kysely);
    await sql`alter table record detach partition record_0`.execute(db.kysely);
    expect(await dropPartitionsBelow(db, { table, bound: 0n })).toEqual(["record_0"]);
    expect(await tableNames()).toEqual(["record", "record_1"]);
  });
});
