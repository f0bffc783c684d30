import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus, TimeStep } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { startTestHistory } from "./testing.ts";
import { dayMs, days, fillFilters, nowMs, perDay } from "./testing-filters.ts";
import { nodesOf, notePlans, type Plans } from "./testing-plans.ts";

/**
 * What a page costs under every filter of the query API, dense, rare and empty, alone and in pairs: the records that
 * PostgreSQL looks at and the buffers that it reads are bounded by the page and the number of partitions, never by the
 * records in between. Ten daily partitions of records and of payloads; the rare ones have one match in each.
 */

const pageSize = 20;

let postgres: TestPostgres;
let plans: Plans;
let history: Awaited<ReturnType<typeof startTestHistory>>;

beforeAll(async () => {
  postgres = await testPostgres();
  plans = notePlans(postgres.url);
  history = await startTestHistory({
    url: postgres.url,
    config: { partitionMs: dayMs, payloadPartitionMs: dayMs, payloadRetentionMs: 0, retentionMs: 0 },
    deps: { nowMs: () => nowMs },
    context: { ...plans.readers, firstWindowMs: dayMs },
  });
  await fillFilters(history, plans);
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
  await plans.close();
  await postgres.stop();
});

type Filter = Readonly<Record<string, object>>;

const owners: Filter = {
  "a dense account": { owner: { accountId: 1n } },
  "a rare account": { owner: { accountId: 2n } },
  "an empty account": { owner: { accountId: 3n } },
  "a dense key": { owner: { accountId: 1n, keyId: 10n } },
  "a rare key": { owner: { accountId: 1n, keyId: 11n } },
  "an empty key": { owner: { accountId: 1n, keyId: 12n } },
  "a dense user": { owner: { accountId: 1n, userId: "dense" } },
  "a rare user": { owner: { accountId: 1n, userId: "rare" } },
  "an empty user": { owner: { accountId: 1n, userId: "nobody" } },
};
const states: Filter = {
  succeeded: { statuses: [RecordStatus.SUCCEEDED] },
  failed: { statuses: [RecordStatus.FAILED] },
  running: { statuses: [RecordStatus.PROCESSING] },
  "failed or running": { statuses: [RecordStatus.FAILED, RecordStatus.PROCESSING] },
};
const callers: Filter = { "by a back end": { fromAppserver: true }, "not by a back end": { fromAppserver: false } };
const times: Filter = {
  "of today": { startUnixMs: BigInt(nowMs - dayMs / 2) },
  "of days in the middle": { startUnixMs: BigInt(nowMs - 6 * dayMs), endUnixMs: BigInt(nowMs - 2 * dayMs) },
  "up to an hour ago": { endUnixMs: BigInt(nowMs - 3_600_000) },
  "of the future": { startUnixMs: BigInt(nowMs + dayMs) },
};

/** Each filter beside each of another kind. */
function pairs(): [name: string, fields: object][] {
  const kinds = [owners, states, callers, times];
  const all: [string, object][] = Object.entries(owners);
  for (const [index, kind] of kinds.entries()) {
    for (const other of kinds.slice(index + 1)) {
      for (const [name, fields] of Object.entries(kind)) {
        for (const [also, more] of Object.entries(other)) all.push([`${name}, ${also}`, { ...fields, ...more }]);
      }
    }
  }
  return all;
}

/** Every record looked at may cost the height of its index and its page, in two tables. */
const buffersEach = 8;
/** A walk that finds nothing looks into four indexes of each partition; a few are opened for two windows. */
const buffersOfPartitions = 15 * days;
const rowsAtMost = 4 * pageSize + days;

describe("a page", () => {
  test.each(pairs())("of %s costs what the page costs", async (_, fields) => {
    const ask = () =>
      history.client.queryRecords({ owner: { accountId: 1n }, page: 1, pageSize, ...fields }, history.options);
    const { answer, rows, buffers } = await costOf(ask);
    expect(rows).toBeLessThanOrEqual(rowsAtMost);
    expect(buffers).toBeLessThanOrEqual(buffersOfPartitions + buffersEach * answer.records.length);
  });

  test("of each owner has matches where there are some, so that the bounds are tried", async () => {
    for (const [name, fields] of Object.entries(owners)) {
      const { records } = await history.client.queryRecords({ page: 1, pageSize, ...fields }, history.options);
      expect(records.length, name).toBe(name.includes("empty") ? 0 : name.includes("rare account") ? days : pageSize);
    }
  });
});

describe("the operator's list", () => {
  test.each([
    ["a rare user", { userId: "rare" }, 2 * days],
    ["a rare key", { keyId: 11n }, 2 * days],
    ["a rare user's failed ones", { userId: "rare", statuses: [RecordStatus.FAILED] }, days],
    ["failed ones", { statuses: [RecordStatus.FAILED] }, 2 * days],
    ["a rare key and user", { keyId: 11n, userId: "rare" }, days],
    ["nobody", { userId: "nobody" }, 0],
  ])("of %s without an account is whole, and looks at no more than a walk or two", async (_, filter, matches) => {
    const ask = () => history.client.listRecords({ owner: { operator: true }, filter, limit: 50 }, history.options);
    const { answer, rows } = await costOf(ask);
    expect(answer.records).toHaveLength(Math.min(matches, 50));
    expect(answer.nextCursor).toBe(0n);
    // One day along the primary key, then those of the filter alone; each match is read three times.
    expect(rows).toBeLessThanOrEqual(perDay + 4 * matches + days);
  });

  test("of a user who has some in each hour goes no further back than the page", async () => {
    const ofDay = perDay / 20;
    const limit = ofDay + 25;
    const ask = () =>
      history.client.listRecords({ owner: { operator: true }, filter: { userId: "sparse" }, limit }, history.options);
    const { answer, rows } = await costOf(ask);
    expect(answer.records).toHaveLength(limit);
    // The first day's among everybody's, then as far as a page reaches; not the four days of the next window.
    // Each record of the page is shown with its labels.
    expect(rows).toBeLessThanOrEqual(perDay + 2 * ofDay + 2 * limit);
  });

  const whose: Filter = {
    everybody: { operator: true },
    "a dense account": { accountId: 1n },
    "a rare account": { accountId: 2n },
  };
  /** Two filters that many match each, and none both: the fifth channel, key 13 and this end user have no record of the dense user. */
  const apart: Filter = {
    "a user and a key": { userId: "dense", keyId: 13n },
    "a user and a channel": { userId: "dense", channel: "c5" },
    "a user and an end user": { userId: "dense", endUser: "elsewhere" },
    "a key and an end user": { keyId: 10n, endUser: "elsewhere" },
    "a tag and an end user": { tag: "seldom", endUser: "elsewhere" },
    "two that are looked up": { tag: "never often", endUser: "anyone", userId: "denser", channel: "c1" },
  };
  const neverMet = ["everybody", "a dense account"].flatMap((who) =>
    Object.entries(apart).flatMap(([what, filter]) =>
      [false, true].map((ascending): [string, object] => [
        `${what} of ${who}, ${ascending ? "oldest" : "newest"} first`,
        { owner: whose[who], filter, ascending },
      ]),
    ),
  );
  test.each(neverMet)(
    "of %s that never meet reads what a page may, and goes on from there to the end",
    async (_, asked) => {
      let pages = 0;
      for (let cursor = 0n; pages === 0 || cursor !== 0n; pages++) {
        const ask = () => history.client.listRecords({ ...asked, limit: 10, cursor }, history.options);
        const { answer, rows, buffers } = await costOf(ask);
        expect(answer.records).toEqual([]);
        expect(rows).toBeLessThanOrEqual(1.1 * 5_000);
        expect(buffers).toBeLessThanOrEqual(2 * buffersOfPartitions + 1.1 * 5_000);
        expect(pages).toBeLessThan(30);
        cursor = answer.nextCursor;
      }
    },
  );

  test.each(Object.entries(apart))("and an export of %s goes on likewise", async (_, filter) => {
    for (let cursor = "", pages = 0, more = true; more; pages++) {
      const asked = { owner: { accountId: 1n }, filter, limit: 10, cursor };
      const { answer, rows } = await costOf(() => history.client.exportRecords(asked, history.options));
      expect(answer.records).toEqual([]);
      expect(rows).toBeLessThanOrEqual(1.1 * 5_000);
      expect(pages).toBeLessThan(30);
      ({ nextCursor: cursor, more } = answer);
    }
  });

  test("that finds nothing for long is several pages", async () => {
    const filter = { tag: "often", endUser: "elsewhere", userId: "dense" };
    const { nextCursor } = await history.client.listRecords({ owner: { accountId: 1n }, filter }, history.options);
    expect(nextCursor).toBeGreaterThan(0n);
  });

  /** Filters on what many records share, and of how many records one matches; 0: of none or nearly none. */
  const shared: readonly [name: string, filter: object, each: number][] = [
    ["a model", { model: "m1" }, 5],
    ["a channel", { channel: "c2" }, 5],
    ["a module", { module: Module.CHAT }, 1],
    ["a model on a channel", { model: "m1", channel: "c2" }, 25],
    ["a rare model", { model: "rare" }, 0],
    ["a model that nobody has used", { model: "unused" }, 0],
    ["a model that there is not", { model: "nope" }, 0],
    ["an error", { errorCode: "bad" }, 0],
    ["a rare error", { errorCode: "rarest" }, 0],
    ["an error of a model", { errorCode: "bad", model: "m1" }, 0],
  ];
  const beside: Filter = {
    "at any time": {},
    "of a dense user": { userId: "dense" },
    "of a rare user": { userId: "rare" },
    "of a dense key": { keyId: 10n },
    "of a rare key": { keyId: 11n },
    succeeded: { statuses: [RecordStatus.SUCCEEDED] },
    failed: { statuses: [RecordStatus.FAILED] },
    "of days in the middle": { fromUnixMs: BigInt(nowMs - 6 * dayMs), toUnixMs: BigInt(nowMs - 2 * dayMs) },
  };
  const lists = Object.entries(whose).flatMap(([who, owner]) =>
    shared.flatMap(([what, filter, each]) =>
      Object.entries(who === "a rare account" ? { "at any time": {} } : beside).map(
        ([also, more]): [string, { owner: object; filter: object; each: number }] => [
          `${what} ${also} of ${who}`,
          { owner, filter: { ...filter, ...more }, each },
        ],
      ),
    ),
  );
  test.each(lists)("of %s looks at a few times what the page needs", async (name, { owner, filter, each }) => {
    const limit = 10;
    const ask = () => history.client.listRecords({ owner, filter, limit }, history.options);
    const { answer, rows, buffers } = await costOf(ask);
    const { records, nextCursor } = answer;
    const plain = !/rare|failed/.test(name);
    if (each > 0 && plain) expect(records).toHaveLength(limit);
    // A filter that matches little is answered whole, not with a cursor to go on from.
    if (records.length < limit) expect(nextCursor).toBe(0n);
    // A walk along everything, one along a key's or a user's, then what matches alone.
    const first = name.endsWith("everybody") && /key|user/.test(name) ? 2.5 * 2_500 : 2_500;
    const atMost = each > 0 && plain ? 5 * limit * each + 4 * limit : first + 8 * days + 8 * limit;
    expect(rows).toBeLessThanOrEqual(atMost);
    expect(buffers).toBeLessThanOrEqual(2 * buffersOfPartitions + first / 4 + buffersEach * records.length);
  });

  /** Beside a tag of many: filters that match few, or as many as there are. */
  const besideTags: Filter = {
    "at any time": {},
    "of a model": { model: "m1" },
    "of a rare model": { model: "rare" },
    "of a model that nobody has used": { model: "unused" },
    "of a rare user": { userId: "rare" },
    "of a rare key": { keyId: 11n },
    "of a rare error": { errorCode: "rarest" },
    failed: { statuses: [RecordStatus.FAILED] },
    "with a rare tag beside": { endUser: "anyone", tag: "seldom" },
    "of an end user": { endUser: "anyone" },
    "of nobody": { userId: "nobody" },
  };
  const tagged = Object.entries(whose).flatMap(([who, owner]) =>
    ["often", "seldom", "never"].flatMap((tag) =>
      Object.entries(who === "a rare account" ? { "at any time": {} } : besideTags).map(
        ([also, more]): [string, { owner: object; filter: object }] => [
          `the tag ${tag} ${also} of ${who}`,
          { owner, filter: { tag, ...more } },
        ],
      ),
    ),
  );
  test.each(tagged)("by %s looks at a few times what the page needs", async (name, { owner, filter }) => {
    const limit = 10;
    const ask = () => history.client.listRecords({ owner, filter, limit }, history.options);
    const { answer, rows } = await costOf(ask);
    const { records, nextCursor } = answer;
    const many = /often (at any time|of a model|of an end user) of (everybody|a dense)/.test(name);
    if (many) expect(records).toHaveLength(limit);
    if (records.length < limit) expect(nextCursor).toBe(0n);
    // Each that a way along a label passes is looked up; a second label, of a record that another way passes, likewise.
    expect(rows).toBeLessThanOrEqual(many ? 40 * limit : 2 * 2_500 + 2_500 + 8 * days + 8 * limit);
  });

  test("of a rare model has all of them, in order", async () => {
    for (const owner of [{ operator: true }, { accountId: 1n }]) {
      const asked = { owner, filter: { model: "rare" }, limit: 50 };
      const { records } = await history.client.listRecords(asked, history.options);
      expect(records.map(({ record }) => record?.model)).toEqual(Array.from({ length: days }, () => "rare"));
      const ids = records.map(({ record }) => record?.requestId ?? 0n);
      expect(ids).toEqual([...ids].sort((a, b) => Number(b - a)));
    }
  });

  const everybody = { operator: true };
  const dense = { accountId: 1n };
  test.each<[string, object, object, number]>([
    ["everybody's rare user", everybody, { userId: "rare" }, 2 * days],
    ["everybody's rare model", everybody, { model: "rare" }, days],
    ["an account's rare model", dense, { model: "rare" }, days],
    ["an account's rare model on a channel", dense, { model: "rare", channel: "c3" }, days],
    ["everybody's error", everybody, { errorCode: "bad" }, days],
    ["an account's error", dense, { errorCode: "bad" }, days],
    ["everybody's rare model of a dense user", everybody, { model: "rare", userId: "dense" }, days],
    ["everybody's error of a rare key", everybody, { errorCode: "worse", keyId: 11n }, days / 2],
    ["everybody's tag of a rare model", everybody, { tag: "often", model: "rare" }, days],
    ["an account's tag of a rare user", dense, { tag: "often", userId: "rare" }, days],
    ["everybody's end user with a rare tag", everybody, { endUser: "anyone", tag: "seldom" }, days],
  ])("of %s goes on from a cursor in either direction", async (_, owner, filter, matches) => {
    for (const ascending of [false, true]) {
      const found: bigint[] = [];
      for (let cursor = 0n, page = 0; page === 0 || cursor !== 0n; page++) {
        const asked = { owner, filter, limit: 7, cursor, ascending };
        const { records, nextCursor } = await history.client.listRecords(asked, history.options);
        for (const { record } of records) found.push(record?.requestId ?? 0n);
        cursor = nextCursor;
      }
      expect(new Set(found).size).toBe(found.length);
      expect(found).toHaveLength(matches);
      expect(found).toEqual([...found].sort((a, b) => Number((a - b) * (ascending ? 1n : -1n))));
    }
  });
});

test.each(["user", "tag"])(
  "sums over time by %s read the labels of the time once, not for each record",
  async (groupBy) => {
    const filter = { fromUnixMs: BigInt(nowMs - days * dayMs), toUnixMs: BigInt(nowMs) };
    const asked = { owner: { accountId: 1n }, filter, step: TimeStep.DAY, groupBy };
    const ask = () => history.client.getTimeseries(asked, history.options);
    Object.assign(history.context, { seriesPageMs: 60_000 });
    expect((await ask()).points.length).toBeGreaterThan(days);
    const labels = (await plans.of(ask, { run: true }))
      .flatMap(nodesOf)
      .filter((node) => /^label_/.test(node["Relation Name"] ?? ""));
    expect(labels.reduce((loops, node) => loops + (node["Actual Loops"] ?? 0), 0)).toBeLessThanOrEqual(2 * days);
  },
);

/** Asks once; gives the answer, the records that were looked at, kept or not, and the buffers of all statements. */
async function costOf<T>(ask: () => Promise<T>): Promise<{ answer: T; rows: number; buffers: number }> {
  const asked: { answer: T }[] = [];
  const roots = await plans.of(async () => asked.push({ answer: await ask() }), { run: true });
  const [given] = asked;
  if (given === undefined) throw new Error("nothing was asked");
  let rows = 0;
  let buffers = 0;
  for (const root of roots) {
    buffers += (root["Shared Hit Blocks"] ?? 0) + (root["Shared Read Blocks"] ?? 0);
    for (const node of nodesOf(root)) {
      if (!/Scan/.test(node["Node Type"]) || node["Relation Name"] === undefined) continue;
      const each = (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0);
      rows += each * (node["Actual Loops"] ?? 1);
    }
  }
  return { ...given, rows, buffers };
}
