import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase, statement } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { type Record as HistoryRecord, RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { exportStep, lastBatch } from "./db/export.ts";
import { firstPlace, parsePlace } from "./domain/place.ts";
import { allIds } from "./domain/times.ts";
import { ended, startTestHistory } from "./testing.ts";

const atMs = Date.UTC(2026, 5, 14, 12);
/** Each test has a day of its own. */
let day = 0;
beforeEach(() => {
  day += 86_400_000;
});
const id = (n: number): bigint => firstIdAt(atMs + day + n * 1_000);

let postgres: TestPostgres;
let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  postgres = await testPostgres();
  history = await startTestHistory({ url: postgres.url });
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
  await postgres.stop();
});

type Asked = Parameters<typeof history.client.exportRecords>[0];

/** Pages until there are no more. */
async function exportAll(asked: Asked, cursor = ""): Promise<{ records: HistoryRecord[]; cursor: string }> {
  const records: HistoryRecord[] = [];
  for (let next = cursor; ; ) {
    const page = await history.client.exportRecords({ limit: 7, ...asked, cursor: next }, history.options);
    for (const { record } of page.records) if (record !== undefined) records.push(record);
    next = page.nextCursor;
    if (!page.more) return { records, cursor: next };
  }
}

const idsOf = (records: readonly HistoryRecord[]): bigint[] => records.map(({ requestId }) => requestId);

describe("an export", () => {
  // The first test: later ones have a database in which something was stored.
  test("that begins before anything was ever stored has the first record behind its cursor", async () => {
    const owner = { accountId: 499n };
    const empty = await exportAll({ owner });
    expect(empty.records).toEqual([]);
    // Of today: one for which a partition has to be made first takes a second number.
    const first = firstIdAt(Date.now());
    await history.record({ ...ended(first), accountId: 499n });
    expect(idsOf((await exportAll({ owner }, empty.cursor)).records)).toEqual([first]);
  });

  test("goes on behind the last of those that it looked at, however many batches they are of", async () => {
    const owner = { accountId: 500n };
    const ids = [9, 3, 7, 1, 5].map(id);
    // One after the other, so each is a batch of its own.
    for (const requestId of ids) await history.record({ ...ended(requestId), accountId: 500n });
    const { nextCursor } = await history.client.exportRecords({ owner, limit: 1 }, history.options);
    const walk = {
      ...{ scope: { kind: "account" as const, accountId: 500n }, range: allIds, statuses: [5], filter: {} },
      ...{ behind: parsePlace(nextCursor) ?? firstPlace, upTo: await lastBatch(history.context.db) },
    };
    const { passed, last } = await exportStep(history.context.reader, walk, { limit: 1, scanLimit: 3 });
    expect(passed).toBe(3);
    expect(last?.requestId).toBe(ids[3]);
  });

  test("has each request once, in its last state, while others end in any order and it is stopped and goes on", async () => {
    const owner = { accountId: 501n };
    const count = 400;
    let sent = 0;
    /** Every request runs for a while of its own, so their ends come in another order than they came. */
    const client = async (offset: number): Promise<void> => {
      for (let n = offset; n < count; n += 20) {
        const fields = { accountId: 501n, billedNanoUsd: BigInt(n) };
        await history.record({ ...ended(id(n)), ...fields, status: RecordStatus.PROCESSING });
        for (let wait = (n * 7919) % 13; wait > 0; wait--) await turn();
        await history.record({ ...ended(id(n)), ...fields });
        sent++;
      }
    };
    const clients = Promise.all(Array.from({ length: 20 }, (_, offset) => client(offset)));
    const seen: HistoryRecord[] = [];
    let cursor = "";
    let last = false;
    do {
      last = sent === count;
      const part = await exportAll({ owner }, cursor);
      seen.push(...part.records);
      ({ cursor } = part);
    } while (!last);
    await clients;
    expect(new Set(idsOf(seen)).size).toBe(count);
    expect(seen).toHaveLength(count);
    expect(seen.every(({ status }) => status === RecordStatus.SUCCEEDED)).toBe(true);
    expect(seen.reduce((sum, { billedNanoUsd }) => sum + billedNanoUsd, 0n)).toBe(BigInt((count * (count - 1)) / 2));
    // The ends came in another order, or this test says nothing.
    expect(idsOf(seen)).not.toEqual(idsOf(seen).toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test("waits for a batch that has begun before: its number is lower than those that are there", async () => {
    const owner = { accountId: 502n };
    await history.record({ ...ended(id(1)), accountId: 502n });
    // A batch that has its number and is not yet committed.
    const other = createDatabase<unknown>({
      ...{ url: postgres.url, schema: "history", applicationName: "slow batch", maxConnections: 1, log: silentLog },
    });
    const began = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    const slow = other.transaction(async (trx) => {
      await trx.query(
        statement("lock", "select pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0))"),
        [],
      );
      await trx.query(
        statement(
          "slow",
          `insert into history.record (request_id, account_id, key_id, updated_us, shape_id, outcome_id, created_us, status,
             flags, stored)
           select ${id(2)}, account_id, key_id, updated_us, shape_id, outcome_id, created_us, status, flags,
             nextval('history.stored_seq') from history.record where request_id = $1`,
        ),
        [id(1)],
      );
      began.resolve();
      await mayEnd.promise;
    });
    await began.promise;
    await history.record({ ...ended(id(3)), accountId: 502n });
    let done = false;
    const exported = exportAll({ owner }).finally(() => {
      done = true;
    });
    for (let n = 0; n < 50; n++) await turn();
    expect(done).toBe(false);
    mayEnd.resolve();
    await slow;
    expect(idsOf((await exported).records)).toEqual([id(1), id(2), id(3)]);
    await other.close();
  });

  test("goes on after the last request that it gave, by its cursor or its ID; what is neither is refused", async () => {
    const owner = { accountId: 503n };
    for (const n of [30, 10, 20]) await history.record({ ...ended(id(n)), accountId: 503n });
    expect(idsOf((await exportAll({ owner })).records)).toEqual([id(30), id(10), id(20)]);
    expect(idsOf((await exportAll({ owner }, id(30).toString())).records)).toEqual([id(10), id(20)]);
    const { cursor } = await exportAll({ owner });
    expect((await exportAll({ owner }, cursor)).records).toEqual([]);
    for (const bad of ["x", "1.", "99999999999999999999.1", id(77).toString()]) {
      await expect(exportAll({ owner }, bad)).rejects.toMatchObject({ code: "invalid_value", param: "cursor" });
    }
  });

  test("gives a record again where the gateway's own has replaced one that was made from the ledger", async () => {
    const owner = { accountId: 504n };
    await history.record({ ...ended(id(1)), accountId: 504n, reconstructed: true, status: RecordStatus.FAILED });
    const first = await exportAll({ owner });
    expect(first.records).toMatchObject([{ reconstructed: true }]);
    await history.record({ ...ended(id(1)), accountId: 504n });
    expect((await exportAll({ owner }, first.cursor)).records).toMatchObject([{ reconstructed: false }]);
  });

  test("of a filter, a time or an owner has what matches", async () => {
    const owner = { accountId: 505n };
    for (const n of [2, 4, 1, 3]) {
      await history.record({
        ...ended(id(n)),
        accountId: 505n,
        keyId: BigInt(n % 2) + 1n,
        model: n > 2 ? "new" : "old",
      });
    }
    expect(idsOf((await exportAll({ owner, limit: 1 })).records)).toEqual([id(2), id(4), id(1), id(3)]);
    expect(idsOf((await exportAll({ owner, filter: { model: "new" } })).records)).toEqual([id(4), id(3)]);
    expect(idsOf((await exportAll({ owner: { ...owner, keyId: 2n } })).records)).toEqual([id(1), id(3)]);
    const [fromUnixMs, toUnixMs] = [BigInt(atMs + day + 2_000), BigInt(atMs + day + 4_000)];
    expect(idsOf((await exportAll({ owner, filter: { fromUnixMs, toUnixMs } })).records)).toEqual([id(2), id(3)]);
    expect((await exportAll({ owner, filter: { statuses: [RecordStatus.PROCESSING] } })).records).toEqual([]);
  });
});
