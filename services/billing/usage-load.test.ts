import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type Database, type Queryable } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { type SumUsageResponse, UsageBy, UsageStep } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { countLedger } from "./db/audit-count.ts";
import { invariants } from "./db/audit-invariants.ts";
import { readPortions } from "./db/audit-portions.ts";
import type { BillingSchema } from "./db/schema.ts";

import { foldUsage } from "./db/usage-fold.ts";
import {
  codeOf,
  createPayer,
  nextRequestId,
  type Payer,
  reserve,
  settle,
  startReplica,
  type TestBilling,
} from "./testing.ts";
import { sumAll } from "./testing-usage.ts";

const entries = 40_000;
const days = 60;
const dayMs = 86_400_000;
const ways = ["day", "key", "model", "group"] as const;

let postgres: TestPostgres;
let billing: TestBilling;
/** As the owner, who may lock tables. */
let owner: Database<BillingSchema>;
let payer: Payer;

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  owner = createDatabase({ url: postgres.url, schema: "billing", applicationName: "test", log: silentLog });
  payer = await createPayer(billing.client);
});
afterAll(async () => {
  await owner.close();
  await billing.stop();
  await postgres.stop();
});

/** Rows that this session has read of the ledger and of its sums. */
async function rowsRead(trx: Queryable<BillingSchema>) {
  const { rows } = await sql<{ ledger: bigint; sums: bigint }>`
    select coalesce(sum(read) filter (where relname like 'ledger%'), 0)::bigint as ledger,
      coalesce(sum(read) filter (where relname = 'usage_sum'), 0)::bigint as sums
    from (select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as read from pg_stat_xact_user_tables) t`.execute(
    trx.kysely,
  );
  return rows[0] ?? { ledger: 0n, sums: 0n };
}

/** Enters charges, one after the other over so many days until now, by so many keys in turn, and sums them. */
async function enter(
  accountId: bigint,
  { entries, days, keys }: Record<"entries" | "days" | "keys", number>,
): Promise<void> {
  await sql`
    with e as (select i, now() - ${days} * interval '1 day' + i * (${days} * interval '1 day' / ${entries}) as at
               from generate_series(1, ${entries}::integer - 1) i),
      l as (insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, tariff_id,
              kind, estimated, input_tokens, reason)
            select (((extract(epoch from at) * 1000)::bigint - 1562889600000) << 22) + ${accountId}, ${accountId},
              i + (select ledger_seq from billing.account where account_id = ${accountId}), 0, 0, 0, at,
              1 + i % ${keys}::integer, null, 1, false, 1, 'usage'
            from e)
    update billing.account set ledger_seq = ledger_seq + ${entries}::bigint - 1 where account_id = ${accountId}`.execute(
    owner.kysely,
  );
  await sql`vacuum analyze billing.ledger`.execute(owner.kysely);
  // The replica's own job may be at it: then nothing is added here, and there is more all the same.
  while ((await foldUsage(owner, 5_000)) || (await isPending()));
}

/** Whether entries are not in the sums yet. */
async function isPending(): Promise<boolean> {
  const { rows } = await sql<{ n: bigint }>`
    select count(*) as n from billing.account a left join billing.usage_fold f using (account_id)
    left join billing.label_fold l using (account_id)
    where a.ledger_seq > least(coalesce(f.folded_seq, 0), coalesce(l.folded_seq, 0))`.execute(owner.kysely);
  return rows[0]?.n !== 0n;
}

test("a sum reads of the ledger what its edges have, and no more of the sums than their spans", async () => {
  const { accountId } = await createPayer(billing.client);
  await enter(accountId, { entries, days, keys: 5 });
  const nowMs = Date.now();
  for (const of of [0n, accountId]) {
    for (const by of ways) {
      const read = await owner.transaction(async (trx) => {
        const before = await rowsRead(trx);
        const sums = await sumAll(trx, { accountId: of, fromMs: nowMs - days * dayMs, toMs: nowMs, by });
        expect(sums.reduce((sum, { requests }) => sum + requests, 0n)).toBeGreaterThan(BigInt(entries) - 100n);
        const after = await rowsRead(trx);
        return { ledger: after.ledger - before.ledger, sums: after.sums - before.sums };
      });
      // Edges of an hour at both ends, of a day by key; blocks of the ledger are found by the dozen.
      const edges = (entries / days / 24) * (by === "key" ? 48 : 2);
      expect(read.ledger, `${of} ${by}`).toBeLessThan(BigInt(Math.ceil(edges)) + 2_500n);
      expect(read.sums, `${of} ${by}`).toBeLessThan(1_200n);
    }
  }
});

test("a sum by key over 400 days reads months in the middle and days towards the ends", async () => {
  const { accountId } = await createPayer(billing.client);
  const keys = 20;
  // Vacuumed rows are read from the index alone, and no count of rows shows that.
  await sql`alter table billing.usage_sum set (autovacuum_enabled = off)`.execute(owner.kysely);
  await enter(accountId, { entries: keys * 400, days: 400, keys });
  const read = await owner.transaction(async (trx) => {
    const before = await rowsRead(trx);
    const toMs = Date.now();
    const sums = await sumAll(trx, { accountId, fromMs: toMs - 400 * dayMs, toMs, by: "key" });
    expect(sums).toHaveLength(keys);
    return (await rowsRead(trx)).sums - before.sums;
  });
  expect(read).toBeGreaterThan(0n);
  // Twelve whole months, and less than a month of days at both ends, once to put the keys into order and once for their sums.
  expect(read).toBeLessThan(BigInt(2 * keys * (12 + 60)));
});

interface PlanNode {
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows that all steps of a plan gave. */
function rowsOf({ "Actual Rows": rows, "Actual Loops": loops, Plans: plans = [] }: PlanNode): number {
  return rows * loops + plans.reduce((sum, plan) => sum + rowsOf(plan), 0);
}

test("an audit of the sums handles each entry a few times, however seldom two of them share a sum", async () => {
  const { accountId } = await createPayer(billing.client);
  await enter(accountId, { entries, days, keys: 997 });
  const counted = await sql<{ n: bigint }>`select count(*) as n from billing.ledger`.execute(owner.kysely);
  const accounts = await countLedger(owner);
  const portions = {
    days: await readPortions(owner, accounts, "day", 10_000),
    manyDays: [],
    months: await readPortions(owner, accounts, "month", 10_000),
  };
  const sums = invariants.find(({ name }) => name.startsWith("the sums of usage"))?.offending ?? [];
  const selects = sums.flatMap((check) =>
    typeof check === "string" ? [check] : portions[check.portions].map((portion) => check.select(portion)),
  );
  expect(selects.length).toBeGreaterThan(20);
  let steps = 0;
  for (const select of selects) {
    const { rows } = await sql<{ "QUERY PLAN": readonly { Plan: PlanNode }[] }>`
      explain (analyze, timing off, format json) ${sql.raw(select)}`.execute(owner.kysely);
    const [plan] = rows[0]?.["QUERY PLAN"] ?? [];
    steps += plan === undefined ? Number.NaN : rowsOf(plan.Plan);
  }
  expect(steps / Number(counted.rows[0]?.n)).toBeLessThan(40);
});

test.each([
  ["a page of days", { by: UsageBy.DAY, limit: 5 }, "limit"],
  ["a page that is too large", { by: UsageBy.USER, limit: 1_001 }, "limit"],
  ["a cursor of days", { by: UsageBy.DAY, cursor: Buffer.from("1.n.ann").toString("base64url") }, "cursor"],
  [
    "a cursor of something else",
    { by: UsageBy.USER, limit: 5, cursor: Buffer.from("a.1.1").toString("base64url") },
    "cursor",
  ],
  [
    "a charge that is too large",
    { by: UsageBy.USER, limit: 5, cursor: Buffer.from("9999999999999999999.n.").toString("base64url") },
    "cursor",
  ],
  [
    "a name that is no text",
    { by: UsageBy.USER, limit: 5, cursor: Buffer.from("1.n.\0").toString("base64url") },
    "cursor",
  ],
])("a page of sums is refused: %s", async (_name, asked, param) => {
  const sums = billing.client.sumUsage(
    { fromUnixMs: 0n, toUnixMs: BigInt(Date.now()), ...asked },
    { timeoutMs: 10_000 },
  );
  await expect(sums).rejects.toMatchObject({ code: "invalid_value", param });
});

test("the largest names come first, and a cursor leads through all of them", async () => {
  const { accountId } = await createPayer(billing.client);
  await enter(accountId, { entries: 50, days: 2, keys: 7 });
  const names: string[] = [];
  let cursor = "";
  do {
    const asked = { accountId, fromUnixMs: 0n, toUnixMs: BigInt(Date.now()) + 1n, by: UsageBy.KEY, limit: 3, cursor };
    const page = await billing.client.sumUsage(asked, { timeoutMs: 10_000 });
    names.push(...page.sums.map(({ name }) => name));
    expect(page.rest?.names ?? 0n).toBe(BigInt(7 - names.length));
    cursor = page.nextCursor;
  } while (cursor !== "");
  expect(names.toSorted()).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
});

test("without a limit an answer is a page of 1,000 names, which ends earlier where these have more than 1,500 sums", async () => {
  const { accountId } = await createPayer(billing.client);
  const keys = 1_003;
  await enter(accountId, { entries: 6 * keys + 1, days: 3, keys });
  const [fromUnixMs, toUnixMs] = [BigInt(Date.now() - 5 * dayMs), BigInt(Date.now() + 1)];
  const pages = async (step: UsageStep) => {
    const found: SumUsageResponse[] = [];
    do {
      const cursor = found.at(-1)?.nextCursor ?? "";
      const asked = { accountId, fromUnixMs, toUnixMs, by: UsageBy.KEY, step, cursor };
      found.push(await billing.client.sumUsage(asked, { timeoutMs: 10_000 }));
    } while (found.at(-1)?.nextCursor !== "");
    return found;
  };
  const whole = await pages(UsageStep.UNSPECIFIED);
  expect(whole.map(({ sums, rest }) => [sums.length, rest?.names])).toEqual([
    [1_000, 3n],
    [3, undefined],
  ]);
  const hours = await pages(UsageStep.HOUR);
  expect(hours.length).toBeGreaterThan(1);
  for (const { sums } of hours) expect(sums.length).toBeLessThanOrEqual(1_500);
  const sums = hours.flatMap((page) => page.sums);
  expect(new Set(sums.map(({ name }) => name)).size).toBe(keys);
  expect(sums).toHaveLength(6 * keys);
  expect(sums.every(({ requests }) => requests === 1n)).toBe(true);
});

test("up to now the running month is read whole, of one account and of all of them", async () => {
  const { accountId } = await createPayer(billing.client);
  await sql`alter table billing.usage_sum set (autovacuum_enabled = off)`.execute(owner.kysely);
  await enter(accountId, { entries: 2_000, days: 40, keys: 20 });
  // Also on the first of a month something was charged in it.
  await enter(accountId, { entries: 21, days: 1 / 86_400, keys: 20 });
  const toMs = Date.now() + 1;
  const date = new Date(toMs);
  const fromMs = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  for (const of of [accountId, 0n]) {
    const { rows } = await sql<{ n: bigint }>`
      select count(*) as n from billing.usage_sum where detail = 1 and span = 3 and starts = ${fromMs / 3_600_000}
        and (${of} = 0 or account_id = ${of})`.execute(owner.kysely);
    const read = await owner.transaction(async (trx) => {
      const before = await rowsRead(trx);
      await sumAll(trx, { accountId: of, fromMs, toMs, by: "key" });
      return (await rowsRead(trx)).sums - before.sums;
    });
    expect(read, String(of)).toBeGreaterThan(0n);
    // Once to put the keys into order, and once for their sums.
    expect(read, String(of)).toBeLessThanOrEqual(2n * (rows[0]?.n ?? 0n));
  }
});

test("sums that hang keep no request from its credit, are told as what they are, and end with their callers", async () => {
  const stopped = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = owner.transaction(async (trx) => {
    await sql`lock table billing.usage_sum in access exclusive mode`.execute(trx.kysely);
    locked.resolve();
    await stopped.promise;
  });
  await locked.promise;
  const ask = (timeoutMs: number) =>
    billing.client.sumUsage({ fromUnixMs: 0n, toUnixMs: BigInt(Date.now()), by: UsageBy.DAY }, { timeoutMs });
  const sums = Promise.all(Array.from({ length: 12 }, () => codeOf(ask(1_500))));
  for (let i = 0; i < 10; i++) {
    const id = nextRequestId();
    await reserve(billing.client, payer, 5n, id);
    await settle(billing.client, payer, 1n, id);
  }
  // Twelve at once are more than one account's share of those that run, not of those that wait.
  expect(new Set(await sums)).toEqual(new Set(["upstream_timeout"]));
  const busy = sql<{ n: bigint }>`
    select count(*) as n from pg_stat_activity where application_name = 'throughline billing reports' and state = 'active'
      and query like '%tail%'`;
  let active = 1n;
  while (active > 0n) active = (await busy.execute(owner.kysely)).rows[0]?.n ?? 0n;
  stopped.resolve();
  await holding;
  expect(await codeOf(ask(10_000))).toBe("ok");
});

test("an account that asks for more sums than it has a share of is told so, and another one is not", async () => {
  const stopped = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = owner.transaction(async (trx) => {
    await sql`lock table billing.usage_sum in access exclusive mode`.execute(trx.kysely);
    locked.resolve();
    await stopped.promise;
  });
  await locked.promise;
  const ask = (accountId: bigint) =>
    codeOf(
      billing.client.sumUsage(
        { accountId, fromUnixMs: 0n, toUnixMs: BigInt(Date.now()), by: UsageBy.KEY },
        { timeoutMs: 20_000 },
      ),
    );
  const many = Array.from({ length: 25 }, () => ask(payer.accountId));
  const other = ask((await createPayer(billing.client)).accountId);
  expect(await Promise.race(many)).toBe("concurrent_limit_exceeded");
  stopped.resolve();
  await holding;
  expect(await other).toBe("ok");
  const codes = await Promise.all(many);
  expect(codes.filter((code) => code === "ok")).toHaveLength(21);
  expect(codes.filter((code) => code === "concurrent_limit_exceeded")).toHaveLength(4);
});
