import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listRangePartitions, statement } from "../../../shared/db/index.ts";
import { RecordStatus } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { account, ended, startTestHistory } from "../testing.ts";
import { startMaintenance } from "./maintenance.ts";
import { clean } from "./retention.ts";

const dayMs = 86_400_000;
let nowMs = Date.UTC(2026, 5, 15, 18);
let history: Awaited<ReturnType<typeof startTestHistory>>;
// The operator has said that everything may go at once.
const deleteBeforeMs = Date.UTC(2080, 0);
const retention = { retentionMs: 10 * dayMs, payloadRetentionMs: 3 * dayMs, deleteBeforeMs };

beforeAll(async () => {
  history = await startTestHistory({
    config: { partitionMs: 2 * dayMs, payloadPartitionMs: dayMs, ...retention },
    deps: { nowMs: () => nowMs },
  });
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

const owner = { accountId: account };
const get = (requestId: bigint) =>
  history.client.getRecord({ owner, requestId }, history.options).then(({ record }) => record);
const gone = { code: "not_found" };

describe("partitions", () => {
  test("stand before they are needed: the present one and the next", async () => {
    for (const [table, lengthMs] of [
      ["history.record", 2 * dayMs],
      ["history.payload", dayMs],
    ] as const) {
      const partitions = await listRangePartitions(history.context.db, table);
      const holds = (unixMs: number): boolean =>
        partitions.some(({ from, to }) => from <= firstIdAt(unixMs) && firstIdAt(unixMs) < to);
      expect([nowMs - lengthMs, nowMs, nowMs + lengthMs].map(holds)).toEqual([true, true, true]);
    }
  });

  test("are made for a request of any other time, and for the document's own examples", async () => {
    const examples = [767212140985061376n, 1893947283746816000n, 1893947283746816001n];
    await Promise.all(examples.map((id) => history.record(ended(id, { response: Buffer.from("{}") }))));
    for (const id of examples) expect((await get(id))?.record?.requestId).toBe(id);
    const page = await history.client.queryRecords({ owner, page: 1, pageSize: 10 }, history.options);
    expect(page.records.map(({ record }) => record?.requestId)).toEqual(
      examples.toReversed().sort((a, b) => (a < b ? 1 : -1)),
    );
  });

  test("of two replicas that start at once are made once", async () => {
    await using both = await startTestHistory({ url: history.url, deps: { nowMs: () => nowMs + 30 * dayMs } });
    const runs = await Promise.all(
      [1, 2].map(() =>
        startMaintenance(both.context, { ...retention, payloadRetentionMs: 0, retentionMs: 0 } as never),
      ),
    );
    for (const run of runs) await run.stop();
  });
});

describe("retention", () => {
  test("drops whole partitions, of payloads first", async () => {
    const old = firstIdAt(nowMs - 5 * dayMs);
    const older = firstIdAt(nowMs - 13 * dayMs);
    const fresh = firstIdAt(nowMs);
    for (const id of [old, older, fresh])
      await history.record(ended(id, { response: Buffer.from('{"kept":true}'), upstreamRequestId: `req_${id}` }));
    await history.record({ ...ended(older + 1n), status: RecordStatus.PROCESSING });
    await clean(history.context, retention);
    expect(await get(fresh)).toMatchObject({ payloadExpired: false, record: { upstreamRequestId: `req_${fresh}` } });
    const expired = await get(old);
    expect(expired).toMatchObject({
      payloadExpired: true,
      record: { status: RecordStatus.SUCCEEDED, model: "gpt-4o" },
    });
    expect(expired?.record?.response).toHaveLength(0);
    await expect(get(older)).rejects.toMatchObject(gone);
    await expect(get(older + 1n)).rejects.toMatchObject(gone);
    // By the upstream's ID too, once the text itself is gone.
    const found = await history.client.getRecord({ owner, upstreamRequestId: `req_${old}` }, history.options);
    expect(found.record?.record?.requestId).toBe(old);
    // Nothing of it was deleted row by row, and a second run finds nothing to do.
    const names = (await listRangePartitions(history.context.db, "history.record")).map(({ to }) => to);
    expect(names.every((to) => to > firstIdAt(nowMs - 10 * dayMs))).toBe(true);
    await clean(history.context, retention);
  });

  test("lets go of tombstones with what they bury", async () => {
    const id = firstIdAt(nowMs) + 5n;
    await history.record(ended(id));
    await history.client.deleteRecords({ owner, requestIds: [id] }, history.options);
    nowMs += 20 * dayMs;
    await clean(history.context, retention);
    expect((await history.client.findUnfinished({ requestIds: [id] }, history.options)).requestIds).toEqual([id]);
  });

  test("lets go of tombstones for numbers that never became a request, within hours and for any retention", async () => {
    const seen = firstIdAt(nowMs) + 6n;
    const madeUp = Array.from({ length: 1_000 }, (_, i) => firstIdAt(nowMs) + 100n + BigInt(i));
    await history.record(ended(seen));
    await history.client.deleteRecords({ owner, requestIds: [seen, ...madeUp.slice(1)] }, history.options);
    const kept = statement("test.tombstones", "select count(*)::integer as n from history.tombstone");
    const count = async () => (await history.context.db.query<{ n: number }>(kept, []))[0]?.n;
    expect(await count()).toBe(1_000);
    nowMs += 90 * 60_000;
    await clean(history.context, { retentionMs: 0, payloadRetentionMs: 0, deleteBeforeMs });
    expect(await count()).toBe(1_000);
    nowMs += 60 * 60_000;
    await clean(history.context, { retentionMs: 0, payloadRetentionMs: 0, deleteBeforeMs });
    expect(await count()).toBe(1);
  });
});

describe("what is left behind", () => {
  test("by messages that overtook each other is hidden, then cleared", async () => {
    const id = firstIdAt(nowMs) + 9n;
    await history.record(ended(id));
    await history.record({ ...ended(id), status: RecordStatus.PROCESSING });
    const processing = { owner, page: 1, pageSize: 10, statuses: [RecordStatus.PROCESSING] };
    expect((await history.client.queryRecords(processing, history.options)).records).toEqual([]);
    await clean(history.context, retention);
    const { rows } = await countUnfinished();
    expect(rows[0]?.n).toBe(0n);
  });
});

async function countUnfinished() {
  const { sql } = await import("kysely");
  return sql<{ n: bigint }>`select count(*) as n from history.unfinished`.execute(history.context.db.kysely);
}
