import { sql } from "kysely";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { completeIndexes, createDatabase, type Database, hasWholeIndexes } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { addIndexesByShapeAndOutcome } from "../db/migrations/0007-by-shape-and-outcome.ts";
import { account, ended, startTestHistory } from "../testing.ts";

/** A folder of before the indexes by model and error: they are made while records are stored and read. */

const dayMs = 86_400_000;
const stays = new AbortController().signal;
const names = ["record_outcome_failed", "record_shape_failed", "record_shape_succeeded"];

let postgres: TestPostgres;
let history: Awaited<ReturnType<typeof startTestHistory>>;
let db: Database<unknown>;

beforeAll(async () => {
  postgres = await testPostgres();
  history = await startTestHistory({ url: postgres.url });
  db = createDatabase<unknown>({
    url: postgres.url,
    schema: "history",
    applicationName: "test",
    maxConnections: 5,
    log: silentLog,
  });
});
afterAll(async () => {
  await db.close();
  await history[Symbol.asyncDispose]();
  await postgres.stop();
});

/** What a folder of before has after the migration: the indexes without those of its partitions. */
async function makeOld(): Promise<void> {
  for (const name of names) await sql.raw(`drop index history.${name}`).execute(db.kysely);
  await addIndexesByShapeAndOutcome.up(db.kysely);
}

let stored = 0;

async function store(daysAgo: number, model = "m"): Promise<bigint> {
  const requestId = firstIdAt(Date.now() - daysAgo * dayMs) + BigInt(stored++);
  await history.record(ended(requestId, { model }));
  return requestId;
}

async function found(model: string): Promise<bigint[]> {
  const asked = { owner: { accountId: account }, filter: { model } };
  const { records } = await history.client.listRecords(asked, history.options);
  return records.map(({ record }) => record?.requestId ?? 0n);
}

/** How many indexes of partitions there are, and how many of them nothing may use. */
async function ofPartitions(): Promise<{ made: number; broken: number }> {
  const { rows } = await sql<{ made: number; broken: number }>`
    select count(*)::integer as made, (count(*) filter (where not i.indisvalid))::integer as broken
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
     where t.relkind = 'r' and t.relname like 'record%' and pg_get_indexdef(i.indexrelid) ~ '(shape_id|outcome_id), account'
  `.execute(db.kysely);
  return rows[0] ?? { made: 0, broken: 0 };
}

test("a new folder has them from its beginning", async () => {
  await store(0);
  expect(await hasWholeIndexes(db, "history.record")).toBe(true);
});

test("a folder of before gets them beside writers that do not wait, and partitions that are made meanwhile have them", async () => {
  await store(30);
  await makeOld();
  expect(await hasWholeIndexes(db, "history.record")).toBe(false);
  const unnamed = await ofPartitions();
  await store(60, "late");
  expect((await ofPartitions()).made).toBe(unnamed.made + names.length);
  expect(await found("late")).toHaveLength(1);

  // Somebody's transaction holds what is to be indexed: the index waits for it, and nobody for the index.
  const held = await db.session(async (session) => {
    await sql.raw("begin").execute(session.kysely);
    await sql.raw("lock table history.record in row exclusive mode").execute(session.kysely);
    const made = completeIndexes(db, "history.record", stays);
    await vi.waitFor(async () => expect((await ofPartitions()).broken).toBeGreaterThan(0), { timeout: 10_000 });
    const during = await store(0, "meanwhile");
    expect(await found("meanwhile")).toEqual([during]);
    await sql.raw("commit").execute(session.kysely);
    return { made };
  });
  expect(await held.made).toBe(true);
  expect(await hasWholeIndexes(db, "history.record")).toBe(true);
  expect((await ofPartitions()).broken).toBe(0);
  expect(await found("late")).toHaveLength(1);
});

test("what was begun when the process was told to stop is made by the next, and by one alone", async () => {
  await makeOld();
  const stopping = new AbortController();
  await db.session(async (session) => {
    await sql.raw("begin").execute(session.kysely);
    await sql.raw("lock table history.record in row exclusive mode").execute(session.kysely);
    const stopped = completeIndexes(db, "history.record", stopping.signal);
    await vi.waitFor(async () => expect((await ofPartitions()).broken).toBeGreaterThan(0), { timeout: 10_000 });
    expect(await completeIndexes(db, "history.record", stays)).toBe(false);
    stopping.abort();
    expect(await stopped).toBe(false);
    await sql.raw("rollback").execute(session.kysely);
  });
  expect((await ofPartitions()).broken).toBeGreaterThan(0);
  // As at the start of a process.
  await using again = await startTestHistory({ url: postgres.url });
  await vi.waitFor(async () => expect(await again.context.byTerms()).toBe(true), { timeout: 20_000, interval: 50 });
  expect((await ofPartitions()).broken).toBe(0);
});
