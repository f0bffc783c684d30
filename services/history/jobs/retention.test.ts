import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listRangePartitions } from "../../../shared/db/index.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { findHold } from "../db/retention.ts";
import { account, ended, startTestHistory } from "../testing.ts";
import { clean } from "./retention.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;
const startMs = Date.UTC(2026, 5, 15, 18);
const retention = { retentionMs: 400 * dayMs, payloadRetentionMs: 30 * dayMs, deleteBeforeMs: 0 };

let ownMs: number;
let databaseMs: number;
let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeEach(async () => {
  ownMs = startMs;
  databaseMs = startMs;
  history = await startTestHistory({
    config: { ...retention, payloadPartitionMs: 4 * dayMs },
    deps: { nowMs: () => ownMs, databaseNowMs: async () => databaseMs },
  });
  // There is one for each day of two weeks.
  for (const id of ids) await history.record(ended(id, { response: Buffer.from("{}") }));
});
afterEach(() => history[Symbol.asyncDispose]());

const ids = Array.from({ length: 14 }, (_, day) => firstIdAt(startMs - day * dayMs));
const owner = { accountId: account };
const kept = async () =>
  (await history.client.queryRecords({ owner, page: 1, pageSize: 50 }, history.options)).records.length;
const partitions = async () => {
  const tables = ["history.record", "history.payload"] as const;
  return (await Promise.all(tables.map((table) => listRangePartitions(history.context.db, table)))).flat().length;
};

describe("retention", () => {
  test.each([
    ["this process is years ahead", () => (ownMs += 3 * yearMs)],
    ["PostgreSQL is years ahead", () => (databaseMs += 3 * yearMs)],
    ["PostgreSQL is a month behind, this process right", () => (databaseMs -= 30 * dayMs)],
    ["both are years ahead", () => (ownMs = databaseMs += 3 * yearMs)],
    ["both are 13 months ahead", () => (ownMs = databaseMs += 13 * 30.5 * dayMs)],
    ["both are 40 days ahead", () => (ownMs = databaseMs += 40 * dayMs)],
  ])("deletes nothing while the clock of %s", async (_, goAstray) => {
    const before = await partitions();
    goAstray();
    for (let run = 0; run < 3; run++) {
      await clean(history.context, retention);
      ownMs += 10 * 60_000;
      databaseMs += 10 * 60_000;
    }
    expect(await partitions()).toBe(before);
    ownMs = databaseMs = startMs;
    expect(await clean(history.context, retention)).toBe(0);
    expect(await kept()).toBe(ids.length);
    expect(await findHold(history.context.db, "history.payload")).toBeUndefined();
  });

  test("comes down by itself after 13 months away: announced for a day, then a partition of each table an hour", async () => {
    const left = [await partitions()];
    ownMs = databaseMs += 430 * dayMs;
    for (let hour = 0; hour < 48; hour++) {
      await clean(history.context, retention);
      const now = await partitions();
      expect((left.at(-1) ?? 0) - now).toBeLessThanOrEqual(hour < 24 ? 0 : 2);
      left.push(now);
      ownMs = databaseMs += hourMs;
    }
    expect(await partitions()).toBe(0);
    expect(await clean(history.context, retention)).toBe(0);
    expect(await findHold(history.context.db, "history.record")).toBeUndefined();
  });

  test("comes down at once to the date that the operator names, and no further", async () => {
    ownMs = databaseMs += 430 * dayMs;
    const named = startMs - 7 * dayMs;
    await clean(history.context, { ...retention, deleteBeforeMs: named });
    for (const table of ["history.record", "history.payload"]) {
      const ends = (await listRangePartitions(history.context.db, table)).map(({ to }) => to);
      expect(ends.length).toBeGreaterThan(0);
      expect(ends.every((to) => to > firstIdAt(named))).toBe(true);
    }
  });

  test("drops one partition at its time without a word", async () => {
    const before = await partitions();
    ownMs = databaseMs += 400 * dayMs;
    await history.record(ended(firstIdAt(databaseMs)));
    const oldest = (await listRangePartitions(history.context.db, "history.record"))[0]?.to ?? 0n;
    const untilOldest = Number(oldest >> 22n) - Number(firstIdAt(databaseMs - 400 * dayMs) >> 22n);
    ownMs = databaseMs += untilOldest;
    await clean(history.context, { ...retention, payloadRetentionMs: 0 });
    expect(await partitions()).toBeLessThan(before + 2);
    expect((await listRangePartitions(history.context.db, "history.record"))[0]?.to).toBeGreaterThan(oldest);
  });
});
