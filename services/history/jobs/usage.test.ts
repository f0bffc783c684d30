import { create } from "@bufbuild/protobuf";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus, TimeStep } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { summedDays } from "../db/usage-days.ts";
import { summedHours } from "../db/usage-hours.ts";
import { ended, startTestHistory } from "../testing.ts";
import { sumHours } from "./maintenance.ts";

const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 5, 14, 20);
const hours = 6;
/** In the middle of the last hour, which is open. */
const endMs = startMs + (hours - 0.5) * hourMs;
let nowMs = startMs;
const perHour = 1_300;
/** The first day is closed, the second is open. */
const firstDayMs = Date.UTC(2026, 5, 14);

let history: Awaited<ReturnType<typeof startTestHistory>>;
/** The keys of account 2: where each request has one of its own, sums by key would be as many as records. */
let keysOfSecond = 2;

/** The first thousand of each hour belong to account 1, the others to account 2, which has too few to be summed by the hour. */
function send(n: number, late = 0, replaced: { updatedUnixUs?: bigint; billedNanoUsd?: bigint } = {}) {
  const within = n % perHour;
  const id = firstIdAt(startMs + Math.floor(n / perHour) * hourMs + within * 1_500) + BigInt(late);
  return history.record({
    ...ended(id),
    accountId: within < 1_000 ? 1n : 2n,
    keyId: within < 1_000 ? BigInt(10 + (n % 2)) : BigInt(1_000 + (n % keysOfSecond)),
    model: n % 3 === 0 ? "a" : "b",
    channel: n % 5 === 0 ? "x" : "y",
    status: n % 10 === 0 ? RecordStatus.FAILED : RecordStatus.SUCCEEDED,
    errorCode: n % 10 > 0 ? "" : n % 20 === 0 ? "upstream_error" : "upstream_timeout",
    usage: create(UsageSchema, {
      inputTokens: BigInt(n),
      cachedInputTokens: 2n,
      outputTokens: 3n,
      reasoningTokens: 4n,
    }),
    billedNanoUsd: BigInt(n % 7),
    durationUs: BigInt(1_000 + n * 997),
    ...replaced,
  });
}

/** Every way to ask that hours can answer, and some that they cannot. */
const allAsks = [{ accountId: 1n }, { accountId: 1n, keyId: 11n }, { accountId: 2n }, { operator: true }].flatMap(
  (owner) =>
    [TimeStep.HOUR, TimeStep.DAY].flatMap((step) =>
      ["", "model", "channel", "status", "key"].flatMap((groupBy) =>
        [
          {},
          { statuses: [RecordStatus.FAILED] },
          { model: "a" },
          { channel: "x" },
          { channel: "x", model: "b" },
          { keyId: 10n },
          { keyId: 11n, model: "a" },
          { errorCode: "upstream_error" },
          { errorCode: "upstream_error", model: "a" },
          { errorCode: "upstream_timeout", channel: "x", keyId: 11n },
          { fromUnixMs: BigInt(startMs + 1_234_567), toUnixMs: BigInt(startMs + 2.5 * hourMs) },
          { fromUnixMs: BigInt(firstDayMs - 24 * hourMs), toUnixMs: BigInt(firstDayMs + 48 * hourMs) },
        ].map((filter) => ({
          owner,
          step,
          groupBy,
          filter: { fromUnixMs: BigInt(firstDayMs), toUnixMs: BigInt(endMs), ...filter },
        })),
      ),
    ),
);

const asks = allAsks.filter(({ step }, n) => n % (step === TimeStep.DAY ? 5 : 7) === 0);

const answers = () => Promise.all(asks.map((ask) => history.client.getTimeseries(ask, history.options)));
/** All pages of a series, and how many they were. */
async function inPages(ask: (typeof asks)[number]) {
  const points: unknown[] = [];
  let fromUnixMs = ask.filter.fromUnixMs;
  for (let pages = 1; ; pages++) {
    const page = await history.client.getTimeseries({ ...ask, filter: { ...ask.filter, fromUnixMs } }, history.options);
    points.push(...page.points);
    if (page.nextFromUnixMs === 0n) return { points, pages };
    fromUnixMs = page.nextFromUnixMs;
  }
}
const requestsOf = ([first]: Awaited<ReturnType<typeof answers>>): bigint =>
  first?.points.reduce((sum, { requests }) => sum + requests, 0n) ?? 0n;
const whole = { model: false, channel: false, key: false, outcome: false };
const byKey = { model: true, channel: true, key: true, outcome: false };
const byOutcome = { ...whole, outcome: true };
const summedOf = (account: bigint, dimensions = whole) => {
  const first = startMs / hourMs;
  return summedHours(history.context.reader, account, { from: first - 1, to: first + hours, dimensions });
};
const day = firstDayMs / (24 * hourMs);
const daysOf = async (accountId: bigint, dimensions = whole) => {
  const asked = {
    accountId,
    range: { from: day - 5, to: day + 5 },
    statuses: [4, 5],
    filter: {},
    groupBy: "" as const,
  };
  return (await summedDays(history.context.summingReader, { ...asked, dimensions })).days;
};
test("a day whose first records come when it is long past has sums like others", async () => {
  await using late = await startTestHistory({ deps: { nowMs: () => firstDayMs + 72 * hourMs } });
  const { kysely } = late.context.db;
  const days = async (query: string) =>
    (await sql.raw<{ day: number }>(query).execute(kysely)).rows.map((row) => row.day);
  // The service sums up when it starts, too, and one does so at a time.
  const summed = (query: string, wanted: readonly number[]) =>
    vi.waitFor(
      async () => {
        await sumHours(late.context);
        expect(await days(query)).toEqual(wanted);
      },
      { timeout: 10_000 },
    );
  await summed(`select days_below as day from history.usage_state where days_below > ${day}`, [day + 2]);
  await late.record(ended(firstIdAt(startMs), { billedNanoUsd: 5n }));
  const filter = { fromUnixMs: BigInt(firstDayMs), toUnixMs: BigInt(firstDayMs + 24 * hourMs) };
  const ask = { owner: { operator: true }, step: TimeStep.DAY, filter };
  const before = await late.client.getTimeseries(ask, late.options);
  expect(before.points).toMatchObject([{ requests: 1n, billedNanoUsd: 5n }]);
  await summed("select day from history.usage_day where account_id = 0 and grain = 0", [day]);
  expect(await late.client.getTimeseries(ask, late.options)).toEqual(before);
});

describe.each([
  { named: "few keys", keys: 2 },
  { named: "a key for each request of an account", keys: Number.MAX_SAFE_INTEGER },
])("sums of hours and days, with $named", ({ keys }) => {
  const kept = <T>(list: T[]): T[] => (keys === 2 ? list : []);
  beforeAll(async () => {
    keysOfSecond = keys;
    nowMs = startMs;
    history = await startTestHistory({ deps: { nowMs: () => nowMs } });
    await Promise.all(Array.from({ length: hours * perHour }, (_, n) => send(n)));
    nowMs = endMs;
  });
  afterAll(async () => {
    await history[Symbol.asyncDispose]();
  });

  test("answer as the records themselves do", async () => {
    const fromRecords = await answers();
    expect(fromRecords.some(({ points }) => points.length > 5)).toBe(true);
    await sumHours(history.context);
    expect(await answers()).toEqual(fromRecords);
    // Pages that have no time left end behind the steps that are read first.
    const { seriesPageMs } = history.context;
    Object.assign(history.context, { seriesPageMs: 0 });
    const paged = await Promise.all(asks.map(inPages));
    Object.assign(history.context, { seriesPageMs });
    expect(paged.map(({ points }) => points)).toEqual(fromRecords.map(({ points }) => points));
    expect(Math.max(...paged.map(({ pages }) => pages))).toBeGreaterThan(5);
  });

  test("are kept for accounts with many requests, and for all together", async () => {
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await summedOf(0n)).toHaveLength(hours - 1);
    expect(await summedOf(2n)).toEqual([]);
    expect(await daysOf(0n)).toEqual([day]);
    expect(await daysOf(1n, byKey)).toEqual([day]);
    // Sums by key would be as many as its records.
    expect(await daysOf(2n)).toEqual([day]);
    expect(await daysOf(2n, byKey)).toEqual(kept([day]));
    expect(await daysOf(0n, byKey)).toEqual(kept([day]));
    expect(await summedOf(0n, { ...whole, key: true })).toHaveLength(kept(await summedOf(0n)).length);
    expect(await summedOf(0n, byKey)).toEqual([]);
    expect(await summedOf(0n, byOutcome)).toHaveLength(hours - 1);
    expect(await daysOf(0n, byOutcome)).toEqual([day]);
    // One statement finds which hours are summed; the others read their sums and the records before and after them.
    const { summingReader } = history.context;
    const statements = (): number => summingReader.statements;
    const before = statements();
    const filter = { fromUnixMs: BigInt(startMs - hourMs), toUnixMs: BigInt(endMs) };
    const ask = { owner: { accountId: 1n }, filter };
    await history.client.getTimeseries({ ...ask, step: TimeStep.HOUR }, history.options);
    expect(statements() - before).toBe(4);
  });

  test("follow records that come late", async () => {
    const before = await answers();
    await Promise.all([5, 17, 2 * perHour + 3, 20, 1_010].map((n) => send(n, 1)));
    // At once: they are added to the sums of their hours, which stay summed for everybody.
    const after = await answers();
    expect(after).not.toEqual(before);
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await summedOf(0n)).toHaveLength(hours - 1);
    await sumHours(history.context);
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await answers()).toEqual(after);
    expect(await daysOf(1n, byKey)).toEqual([day]);
  });

  test("lose what its owner deletes, as the records do", async () => {
    const before = await answers();
    const requestIds = [firstIdAt(startMs), firstIdAt(startMs + 2 * hourMs + 1_500)];
    await history.client.deleteRecords({ owner: { accountId: 1n }, requestIds }, history.options);
    const after = await answers();
    // The first question is for all of the account's, and both hours keep enough to be summed.
    expect(requestsOf(before) - requestsOf(after)).toBe(2n);
    expect(await summedOf(0n)).toHaveLength(hours - 1);
    await sumHours(history.context);
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await answers()).toEqual(after);
  });

  test("are made anew where a record was replaced", async () => {
    const before = await answers();
    await send(7, 0, { updatedUnixUs: BigInt(Date.UTC(2027, 0)) * 1_000n, billedNanoUsd: 1_000_000n });
    const after = await answers();
    expect(after).not.toEqual(before);
    // Neither the hour nor its day answers until then.
    expect(await summedOf(1n)).toHaveLength(hours - 2);
    expect(await daysOf(1n)).toEqual([]);
    await sumHours(history.context);
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await daysOf(1n, byKey)).toEqual([day]);
    expect(await answers()).toEqual(after);
  });

  test("are made by one of several replicas, and again without harm", async () => {
    const before = await answers();
    await Promise.all(Array.from({ length: 4 }, () => sumHours(history.context)));
    expect(await answers()).toEqual(before);
  });

  test("of an older version answer what they can until they are made anew, and what it noted is counted", async () => {
    const { kysely } = history.context.db;
    const before = await answers();
    for (const table of ["usage_hour", "usage_day"]) {
      await sql.raw(`delete from history.${table} where grain >= 8 or (account_id = 0 and grain >= 4)`).execute(kysely);
      await sql.raw(`update history.${table} set by_outcome = false`).execute(kysely);
    }
    await sql`update history.usage_day set by_key = false where account_id = 0`.execute(kysely);
    expect(await daysOf(0n)).toEqual([day]);
    expect(await daysOf(0n, byOutcome)).toEqual([]);
    expect(await summedOf(0n, byOutcome)).toEqual([]);
    expect(await answers()).toEqual(before);
    await sql`update history.usage_state set summed_below = 0, days_below = 0`.execute(kysely);
    await sumHours(history.context);
    expect(await daysOf(0n, byOutcome)).toEqual([day]);
    expect(await daysOf(0n, byKey)).toEqual(kept([day]));
    expect(await answers()).toEqual(before);
    // A failed request, of which the older version would not note how it ended, nor whose key it was to all together.
    const owner = { accountId: 1n };
    await history.client.deleteRecords({ owner, requestIds: [firstIdAt(startMs + 40 * 1_500)] }, history.options);
    const after = await answers();
    await sql`update history.usage_change set outcome_id = null,
      key_id = case when account_id = 0 then 0 else key_id end`.execute(kysely);
    await sumHours(history.context);
    expect(await answers()).toEqual(after);
    expect(after).not.toEqual(before);
  });

  test("are still what the records say, after all that came late, was replaced and was deleted", async () => {
    const before = await answers();
    await sql`truncate history.usage_day`.execute(history.context.db.kysely);
    expect(await answers()).toEqual(before);
    await sql`truncate history.usage_hour`.execute(history.context.db.kysely);
    expect(await answers()).toEqual(before);
  });
});
