import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { RecordStatus, TimeStep } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { findUnfinished } from "./db/find-unfinished.ts";
import { sumHours } from "./jobs/maintenance.ts";
import { startTestHistory } from "./testing.ts";
import { nodesOf, notePlans, type PlanNode, type Plans } from "./testing-plans.ts";

/**
 * Which partitions and indexes each query touches, as PostgreSQL plans it: nine daily partitions of 12,000 records, one
 * account with a third of them. A sequential scan, a partition too many or a sort of all rows is a failure here, long
 * before it is felt.
 */

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 5, 15, 18);
const perDay = 12_000;
const days = 9;
/** Fewer than the page far back passes over, so that it takes several statements. */
const entriesAtOnce = 2_000;

let postgres: TestPostgres;
let plans: Plans;
let history: Awaited<ReturnType<typeof startTestHistory>>;

beforeAll(async () => {
  postgres = await testPostgres();
  plans = notePlans(postgres.url);
  history = await startTestHistory({
    url: postgres.url,
    config: { partitionMs: dayMs, payloadPartitionMs: dayMs },
    deps: { nowMs: () => nowMs },
    context: { ...plans.readers, firstWindowMs: dayMs, entriesAtOnce },
  });
  await fill();
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
  await plans.close();
  await postgres.stop();
});

/** One record every 7.2 s, the newest a few seconds old; through the service, one per day makes the partitions. */
async function fill(): Promise<void> {
  for (let day = 0; day < days; day++) {
    await history.record({
      requestId: firstIdAt(nowMs - day * dayMs),
      accountId: 99n,
      keyId: 990n,
      status: RecordStatus.SUCCEEDED,
    });
  }
  await sql
    .raw(
      `insert into history.term (digest, value)
       select 'bad', value || '{"error": "bad"}' from history.term where value ? 'error'`,
    )
    .execute(plans.db);
  await sql
    .raw(
      `insert into history.record (stored, request_id, account_id, key_id, updated_us, upstream_hash, shape_id, outcome_id,
          payload_bytes, created_us, status, flags, user_id)
       select 1, ${firstIdAt(nowMs - 1_000)} - (n::bigint * 7200 << 22), n % 3 + 1, (n % 3 + 1) * 10 + n % 2, n, n,
          (select id from history.term where value ? 'model'), (select id from history.term where value ->> 'error' = case when n % 50 = 0 then 'bad' else '' end), 100, 1,
          case when n % 50 = 0 then 5 else 4 end, n % 2 * 2, 'user' || n % 97
         from generate_series(1, ${perDay * (days - 1)}) as n`,
    )
    .execute(plans.db);
  await sql
    .raw("insert into history.payload select request_id, '\\x0000' from history.record on conflict do nothing")
    .execute(plans.db);
  for (const table of ["record", "payload", "unfinished", "tombstone", "term"]) {
    await sql.raw(`vacuum (analyze) history.${table}`).execute(plans.db);
  }
}

interface Touched {
  tables: string[];
  indexes: string[];
  nodes: string[];
  /** Partitions with rows that are read from end to end. */
  scanned: string[];
}

/** What the statements of a call touch: tables, by the way they are read. The few requests that run may be sorted. */
async function touched(call: () => Promise<unknown>): Promise<Touched> {
  const nodes = (await plans.of(call)).flatMap(nodesOf).filter((node) => !isSortOfRunning(node));
  const names = (pick: (node: PlanNode) => string | undefined): string[] =>
    [...new Set(nodes.flatMap((node) => pick(node) ?? []))].sort();
  return {
    tables: names((node) => node["Relation Name"]),
    indexes: names((node) => node["Index Name"]),
    nodes: names((node) => node["Node Type"]),
    scanned: withRows(names((node) => (node["Node Type"] === "Seq Scan" ? node["Relation Name"] : undefined))),
  };
}

function isSortOfRunning({ "Node Type": type, Plans: [below] = [] }: PlanNode): boolean {
  return type === "Sort" && below?.["Relation Name"] === "unfinished";
}

const owner = { accountId: 1n };
const today = "20260615";

/** Those made ahead are empty: reading them from end to end is reading nothing. */
const withRows = (tables: readonly string[]): string[] =>
  partitions(tables).filter((name) => !/2026061[678]/.test(name));

/** Tables of records and payloads by day; the small tables beside them are read as PostgreSQL likes. */
const partitions = (tables: readonly string[]): string[] => tables.filter((name) => /^(record|payload)_/.test(name));

function query(fields: object) {
  return () => history.client.queryRecords({ owner, page: 1, pageSize: 20, ...fields }, history.options);
}

test("the first page opens the newest partitions only, by the account's indexes", async () => {
  const { tables, indexes, nodes, scanned } = await touched(query({}));
  expect(partitions(tables).every((name) => name >= "payload_202606" && /_202606(14|15|16|17|18)/.test(name))).toBe(
    true,
  );
  expect(indexes.join()).toMatch(/account_id_request_id/);
  expect(scanned).toEqual([]);
  expect(nodes).not.toContain("Sort");
});

test("a page far back walks index entries, and reads the rows of its own partition", async () => {
  const { tables, nodes, scanned } = await touched(query({ page: 15, pageSize: 1_000 }));
  expect(nodes).toContain("Index Only Scan");
  expect(scanned).toEqual([]);
  expect(partitions(tables).filter((name) => name.startsWith("payload_")).length).toBeLessThanOrEqual(2);
});

test("a page far back is walked to in statements of which none passes over many entries", async () => {
  const steps = (await plans.of(query({ page: 15, pageSize: 1_000 }), { run: true })).filter((plan) =>
    nodesOf(plan).some((node) => /account_id_request_id/.test(node["Index Name"] ?? "")),
  );
  const passed = steps.map((plan) =>
    nodesOf(plan)
      .filter((node) => node["Node Type"] === "Index Only Scan")
      .reduce((sum, node) => sum + (node["Actual Rows"] ?? 0) * (node["Actual Loops"] ?? 1), 0),
  );
  // Some of the 15,000 may be passed over in another way, as the statistics of a small partition happen to be.
  expect(passed.reduce((a, b) => a + b)).toBeGreaterThan(2 * entriesAtOnce);
  expect(Math.max(...passed)).toBeLessThan(1.1 * entriesAtOnce);
});

test("a day in the middle opens that day's partitions only", async () => {
  const startMs = Date.UTC(2026, 5, 10);
  const { tables } = await touched(query({ startUnixMs: BigInt(startMs), endUnixMs: BigInt(startMs + dayMs) }));
  expect(partitions(tables)).toEqual(["payload_202606100000", "record_202606100000"]);
});

test("a page since a time reads entries of the account's index, and records only to show them", async () => {
  const plansOfPage = await plans.of(query({ startUnixMs: BigInt(nowMs - dayMs / 2) }));
  const walks = plansOfPage.flatMap(nodesOf).filter((node) => /account_id_request_id/.test(node["Index Name"] ?? ""));
  expect(walks.length).toBeGreaterThan(0);
  expect(new Set(walks.map((node) => node["Node Type"]))).toEqual(new Set(["Index Only Scan"]));
});

test("failed requests come from their own part of the index", async () => {
  const { indexes, scanned } = await touched(query({ statuses: [RecordStatus.FAILED] }));
  const ofPartition = indexes.filter((name) => /account_id/.test(name));
  expect(ofPartition.length).toBeGreaterThan(0);
  const definitions = await sql<{
    indexdef: string;
  }>`select indexdef from pg_indexes where indexname in (${sql.join(ofPartition)})`.execute(plans.db);
  for (const { indexdef } of definitions.rows) expect(indexdef).toMatch(/status = 5/);
  expect(scanned).toEqual([]);
});

test("requests that run come from their own small table", async () => {
  const { tables, nodes } = await touched(query({ statuses: [RecordStatus.PROCESSING] }));
  expect(tables).toContain("unfinished");
  expect(partitions(tables).filter((name) => name.startsWith("payload_"))).toEqual([]);
  expect(nodes).not.toContain("Hash Anti Join");
});

test("a user's and a key's come by indexes of their own", async () => {
  const user = await touched(query({ owner: { ...owner, userId: "user42" } }));
  expect(user.indexes.join()).toMatch(/account_id_user_id_request_id/);
  expect(user.scanned).toEqual([]);
  const key = await touched(query({ owner: { ...owner, keyId: 10n } }));
  expect(key.indexes.join()).toMatch(/account_id_key_id_request_id/);
  expect(key.nodes).toContain("Index Only Scan");
  expect(key.scanned).toEqual([]);
});

test("the operator's listing goes by the primary key", async () => {
  const list = () => history.client.listRecords({ owner: { operator: true }, limit: 20 }, history.options);
  const { indexes, scanned } = await touched(list);
  expect(indexes.filter((name) => name.startsWith("record_")).every((name) => name.endsWith("_pkey"))).toBe(true);
  expect(scanned).toEqual([]);
});

test("the usage of a small account comes by its index, though accounts are large on average", async () => {
  const filter = { fromUnixMs: BigInt(nowMs - 3 * dayMs), toUnixMs: BigInt(nowMs) };
  const usage = () =>
    history.client.getTimeseries({ owner: { accountId: 99n }, filter, step: TimeStep.HOUR }, history.options);
  const { tables, indexes, scanned } = await touched(usage);
  expect(partitions(tables).length).toBeGreaterThan(0);
  expect(indexes.join()).toMatch(/account_id_request_id/);
  expect(scanned).toEqual([]);
});

test.each(["user", "tag"])("points by %s join records with their labels, and nothing else", async (groupBy) => {
  const filter = { fromUnixMs: BigInt(nowMs - dayMs), toUnixMs: BigInt(nowMs) };
  const points = () =>
    history.client.getTimeseries({ owner: { operator: true }, filter, step: TimeStep.DAY, groupBy }, history.options);
  const [first] = await plans.of(points);
  const joins = (first === undefined ? [] : nodesOf(first)).filter((node) =>
    /Join|Nested Loop/.test(node["Node Type"]),
  );
  expect(joins).toHaveLength(1);
});

test("one ID opens one partition of each table", async () => {
  const requestId = firstIdAt(nowMs - 1_000) - (7_200n << 22n) * 3n;
  const { tables, scanned } = await touched(() => history.client.getRecord({ owner, requestId }, history.options));
  expect(partitions(tables)).toEqual([`payload_${today}0000`, `record_${today}0000`]);
  expect(scanned).toEqual([]);
});

test("an upstream's ID is looked up by its hash", async () => {
  const call = history.client.getRecord({ owner, upstreamRequestId: "req_unknown" }, history.options);
  const { indexes, scanned } = await touched(() => call.catch(() => undefined));
  expect(indexes.every((name) => /upstream_hash/.test(name))).toBe(true);
  expect(scanned).toEqual([]);
});

test("the reconciler's question is answered from primary keys of the partitions it falls into", async () => {
  const requestIds = Array.from({ length: 1_000 }, (_, n) => firstIdAt(nowMs - 1_000) - (7_200n << 22n) * BigInt(n));
  const { tables, nodes } = await touched(() => findUnfinished(history.context.reader, requestIds));
  expect(partitions(tables)).toEqual([`record_${today}0000`]);
  expect(nodes.join()).toMatch(/Index Only Scan/);
});

describe("usage by day", () => {
  const filter = { fromUnixMs: BigInt(nowMs - (days - 1) * dayMs), toUnixMs: BigInt(nowMs) };
  /** Rows that the statements of a sum read, by table; those of partitions together. */
  async function rowsRead(whose: object, groupBy = "model", also: object = {}): Promise<Record<string, number>> {
    const ask = { owner: whose, filter: { ...filter, ...also }, step: TimeStep.DAY, groupBy };
    const call = () => history.client.getTimeseries(ask, history.options);
    const rows: Record<string, number> = { usage_day: 0, usage_hour: 0, record: 0 };
    for (const node of (await plans.of(call, { run: true })).flatMap(nodesOf)) {
      const table = node["Relation Name"]?.replace(/^record_.*/, "record") ?? "";
      const each = (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0);
      rows[table] = (rows[table] ?? 0) + Math.round(each * (node["Actual Loops"] ?? 0));
    }
    return rows;
  }

  test("reads rows of whole days, hours of the ragged ends, and records of the open hours", async () => {
    const perHour = perDay / 24;
    // The records were not stored by the service, which summed up what there was when it started, and each minute since.
    await sql.raw("truncate history.usage_hour, history.usage_day").execute(plans.db);
    await sql.raw("update history.usage_state set summed_below = 0, days_below = 0").execute(plans.db);
    const everybodys = await rowsRead({ operator: true });
    await sumHours(history.context);
    await sql.raw("vacuum (analyze) history.usage_day, history.usage_hour").execute(plans.db);
    // Small tables would be read whole.
    await sql.raw("set enable_seqscan = off").execute(plans.readers.summingReader.kysely);
    // Records of one model that succeeded, and that failed: two rows a day. Whether a day is summed costs two more.
    const summed = await rowsRead({ operator: true });
    expect(summed.usage_day).toBeLessThanOrEqual(4 * days);
    expect(summed.usage_hour).toBeLessThanOrEqual(3 * 24 + 2);
    expect(summed.record).toBeLessThanOrEqual(2 * perHour);
    expect(everybodys.record).toBeGreaterThan((days - 2) * perDay);
    // Six keys, in two states. By error there are rows for failed ones alone, and whether an hour or a day has such is one more.
    const keys = await rowsRead({ operator: true }, "key");
    expect(keys.usage_day).toBeLessThanOrEqual(14 * days);
    expect(keys.usage_hour).toBeLessThanOrEqual(14 * 24);
    expect(keys.record).toBeLessThanOrEqual(2 * perHour);
    const ofKey = await rowsRead({ operator: true }, "", { keyId: 10n });
    expect(ofKey.usage_day).toBeLessThanOrEqual(4 * days);
    expect(ofKey.record).toBeLessThanOrEqual(2 * perHour);
    for (const groupBy of ["", "channel", "key"]) {
      const failed = await rowsRead({ operator: true }, groupBy, { errorCode: "bad" });
      expect(failed.usage_day).toBeLessThanOrEqual(9 * days);
      expect(failed.usage_hour).toBeLessThanOrEqual(9 * 24);
      expect(failed.record).toBeLessThanOrEqual(2 * perHour);
    }
    // This account's hours are too small to be summed: the ragged ends are a day of its records.
    const accounts = await rowsRead(owner);
    expect(accounts.usage_day).toBeLessThanOrEqual(4 * days);
    expect(accounts.record).toBeLessThanOrEqual(perDay / 3 + perHour);
  });
});
