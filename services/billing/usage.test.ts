import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../../shared/db/index.ts";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { auditLedger } from "./db/audit.ts";
import { openDatabase } from "./db/open.ts";
import type { BillingSchema } from "./db/schema.ts";
import { sumUsage } from "./db/usage.ts";
import { foldUsage } from "./db/usage-fold.ts";
import type { UsageBy } from "./db/usage-groupings.ts";
import type { UsageQuery, UsageSumRow } from "./db/usage-query.ts";
import { mostLabels } from "./domain/labels.ts";
import type { NameRank } from "./domain/usage-page.ts";
import { pepper, silent } from "./testing.ts";
import { sumAll } from "./testing-usage.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Four months, two of them whole, with a leap day. */
const startMs = Date.UTC(2028, 0, 20);
const endMs = Date.UTC(2028, 4, 3);
const ways: readonly UsageBy[] = ["day", "key", "model", "group", "module", "account", "channel", "user", "tag"];
const steps = [undefined, "hour", "day", "month"] as const;

let postgres: TestPostgres;
let db: Database<BillingSchema>;
let accounts: readonly bigint[];
let tariffs: readonly number[];

beforeAll(async () => {
  postgres = await testPostgres();
  const config = { databaseUrl: postgres.url, databasePoolSize: 4, migrate: true, keyPepper: pepper };
  db = await openDatabase(config as Parameters<typeof openDatabase>[0], silent);
  const { rows } = await sql<{ account_id: bigint }>`
    insert into billing.account (name, group_name, created_with)
    select 'account ' || i, 'group ' || i % 2, '' from generate_series(1, 3) i returning account_id`.execute(db.kysely);
  accounts = rows.map((row) => row.account_id);
  const made = await sql<{ tariff_id: number }>`
    insert into billing.tariff (hash, module, model, dialect, group_name, channel, platform, strategy, price_source,
      input_price, cached_input_price, cache_write_price, output_price, reasoning_price, image_price, audio_second_price,
      character_price, request_price, group_ratio_ppm)
    select sha256(i::text::bytea), case when i = 2 then 'image' else 'chat' end, 'model ' || i % 3, '', case when i % 2 = 0 then '' else 'own' end, 'channel ' || i % 2, '', '', 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 1000000 from generate_series(1, 5) i returning tariff_id`.execute(db.kysely);
  tariffs = made.rows.map((row) => row.tariff_id);
});
afterAll(async () => {
  await db.close();
  await postgres.stop();
});

/** An entry of an account's ledger; those of one account are numbered in the order of this list. */
interface Entry {
  readonly account: number;
  readonly atMs: number;
  readonly key: number;
  readonly tariff: number;
  readonly kind: "charge" | "release" | "late" | "topup";
  readonly amount: number;
  /** Whom the request named, and whose the key was. */
  readonly user: string | null;
  readonly ofKey: string | null;
  readonly tags: readonly string[];
}

let entryIds = 0n;

/** Further units of some entries. */
function furtherOf(amount: number): string | null {
  if (amount % 4 > 1) return null;
  return JSON.stringify({ searches: amount + 1, ...(amount % 4 === 0 ? { pages: 10 ** 15 } : {}) });
}

/** List prices of some entries. */
const listOf = (amount: number): number | null => (amount % 5 === 0 ? null : amount * 2);

/** Enters them as Settle would, at the times that they say. */
async function enter(entries: readonly Entry[]): Promise<void> {
  for (const { account, atMs, key, tariff, kind, amount, user, ofKey, tags } of entries) {
    entryIds += 1n;
    const accountId = accounts[account];
    const release = kind === "late" ? [{ number: 2, charge: 0, reason: "expired" }] : [];
    const number = { charge: 1, release: 2, late: 1, topup: 3 }[kind];
    const charge = kind === "release" ? 0 : kind === "topup" ? -amount - 1 : amount;
    for (const [i, each] of [...release, { number, charge, reason: kind }].entries()) {
      // A late charge comes an hour after its release.
      const at = new Date(atMs + i * hourMs);
      await sql`
        with a as (update billing.account set ledger_seq = ledger_seq + 1, balance = balance - ${each.charge}
                   where account_id = ${accountId} returning ledger_seq, balance)
        insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, tariff_id,
          kind, estimated, input_tokens, characters, reason, more, list_price, end_user, user_id, tags)
        select ${entryIds}, ${accountId}, ledger_seq, ${-each.charge}, 0, balance, ${at}, ${key || null}, ${tariffs[tariff] ?? null},
          ${each.number}, ${amount % 7 === 0}, ${each.charge}, ${amount % 3 || null}, ${each.reason},
          ${furtherOf(amount)}::jsonb, ${listOf(amount)}::bigint, ${user}, ${ofKey},
          ${tags.length === 0 ? null : JSON.stringify(tags)}::jsonb from a`.execute(db.kysely);
    }
  }
}

const entry: fc.Arbitrary<Entry> = fc.record({
  account: fc.nat({ max: 2 }),
  // Any order: as of a clock that jumps.
  atMs: fc.integer({ min: startMs, max: endMs }),
  key: fc.nat({ max: 3 }),
  tariff: fc.nat({ max: 5 }),
  kind: fc.constantFrom("charge", "charge", "charge", "release", "late", "topup"),
  amount: fc.nat({ max: 1_000 }),
  user: fc.constantFrom(null, "ann", "*", "(other)"),
  ofKey: fc.constantFrom(null, "ann", "=bob"),
  tags: fc.subarray(["a", "*", "=", "team: ü"]),
});
const inOrder = (entries: readonly Entry[]): Entry[] => entries.toSorted((a, b) => a.atMs - b.atMs);

/** The same question, asked of every entry of the ledger. */
async function plainSum(
  accountId: bigint,
  fromMs: number,
  toMs: number,
  by: UsageBy,
  step: (typeof steps)[number],
): Promise<UsageSumRow[]> {
  const unit = by === "day" ? "day" : step;
  const names = {
    day: sql`to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD')`,
    key: sql`coalesce(l.key_id, 0)::text`,
    model: sql`coalesce(t.model, '')`,
    module: sql`coalesce(t.module, '')`,
    group: sql`coalesce(nullif(t.group_name, ''), a.group_name, '')`,
    account: sql`l.account_id::text`,
    channel: sql`coalesce(t.channel, '')`,
    user: sql`coalesce(l.end_user, l.user_id, '')`,
    tag: sql`coalesce(g.tag, '')`,
  };
  const tags = by === "tag" ? sql`left join lateral jsonb_array_elements_text(l.tags) g (tag) on true` : sql``;
  const starts =
    unit === undefined ? sql`0` : sql`(extract(epoch from date_trunc(${unit}, l.created_at, 'UTC')) / 3600)::integer`;
  const { rows } = await sql<UsageSumRow>`
    select ${names[by]} as name, ${by === "account" ? sql`max(a.name)` : sql`''`} as title, false as other, ${starts} as starts,
      count(l.list_price) as listed, coalesce(sum(-l.amount) filter (where l.list_price is not null), 0)::bigint as listed_charged,
      coalesce(sum(l.list_price), 0)::bigint as list_price,
      count(*) filter (where l.reason <> 'late') as requests,
      (-sum(l.amount))::bigint as charged, coalesce(sum(l.input_tokens), 0)::bigint as input_tokens,
      0::bigint as cached_input_tokens, 0::bigint as cache_write_tokens, 0::bigint as output_tokens,
      0::bigint as reasoning_tokens, 0::bigint as images, 0::bigint as audio_ms,
      coalesce(sum(l.characters), 0)::bigint as characters, bool_or(l.estimated) as estimated,
      nullif(jsonb_strip_nulls(jsonb_build_object('searches', sum((l.more ->> 'searches')::numeric)::text,
        'pages', sum((l.more ->> 'pages')::numeric)::text)), '{}') as more
    from billing.ledger l left join billing.tariff t on t.tariff_id = l.tariff_id
    left join billing.account a on a.account_id = l.account_id ${tags}
    where l.kind in (1, 2) and l.created_at >= ${new Date(fromMs)} and l.created_at < ${new Date(toMs)}
      and (${accountId} = 0 or l.account_id = ${accountId})
    group by 1, 4 order by 1, 4`.execute(db.kysely);
  return rows;
}

/** Ranges that begin and end within hours, at hours, days and months, and that hold all or nothing. */
const moment = fc.oneof(
  fc.integer({ min: startMs - dayMs, max: endMs + dayMs }),
  fc.integer({ min: 0, max: 2_500 }).map((hours) => startMs + hours * hourMs),
  fc.integer({ min: 0, max: 104 }).map((days) => startMs + days * dayMs),
  fc.integer({ min: 0, max: 4 }).map((months) => Date.UTC(2028, months, 1)),
  fc.constantFrom(0, Date.UTC(9_999, 11, 31)),
);

async function expectSums(ranges: readonly (readonly [number, number])[]): Promise<void> {
  for (const [a, b] of ranges) {
    const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b) + 1];
    for (const accountId of [0n, ...accounts]) {
      for (const [i, by] of ways.entries()) {
        const step = steps[(i + Number(accountId) + fromMs) % steps.length];
        const sums = await sumAll(db, { accountId, fromMs, toMs, by, step });
        const plain = await plainSum(accountId, fromMs, toMs, by, step);
        expect(sums.toSorted(byName), `${accountId} ${fromMs} ${toMs} ${by} ${step}`).toEqual(plain.toSorted(byName));
        const query = { accountId, fromMs, toMs, by, step };
        if (by !== "day") await expectPages(query, sums, (i + Number(accountId)) % 2 === 0 ? 3 : 1_000);
      }
    }
  }
}

/** Pages have each name once, with all of its sums, the largest charge first, few sums, and say what follows them. */
async function expectPages(query: UsageQuery, sums: readonly UsageSumRow[], mostSums: number): Promise<void> {
  const paged: UsageSumRow[] = [];
  const names = (rows: readonly UsageSumRow[]) => [
    ...Map.groupBy(rows, ({ name, other }) => `${other} ${name}`).values(),
  ];
  const charged = (rows: readonly UsageSumRow[]) => rows.reduce((sum, row) => sum + row.charged, 0n);
  let after: NameRank | undefined;
  do {
    const { rows, rest } = await sumUsage(db, query, { limit: 2, mostSums, after });
    if (names(rows).length < 2 && rest !== undefined) expect([names(rows).length, mostSums]).toEqual([1, 3]);
    // A name's sums are bounded by its requests, and a late charge is none.
    const late = rows.filter(({ requests }) => requests === 0n).length;
    if (names(rows).length > 1) expect(rows.length - late).toBeLessThanOrEqual(mostSums);
    paged.push(...rows);
    const left = sums.filter((sum) => !paged.some(({ name, other }) => name === sum.name && other === sum.other));
    expect(rest?.names ?? 0n).toBe(BigInt(names(left).length));
    expect(rest?.charged ?? 0n).toBe(charged(left));
    expect(rest?.requests ?? 0n).toBe(left.reduce((sum, { requests }) => sum + requests, 0n));
    after = rest?.last;
  } while (after !== undefined);
  expect(paged.toSorted(byName)).toEqual(sums.toSorted(byName));
  const totals = names(paged).map(charged);
  expect(totals).toEqual(totals.toSorted((a, b) => (a > b ? -1 : a < b ? 1 : 0)));
}

const byName = (a: UsageSumRow, b: UsageSumRow) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.starts - b.starts);
/** What the audit says of the sums, looking at so many entries at a time. */
const wrong = async (portionSize = 50_000) => sumsOf(await auditLedger(db, portionSize));
const sumsOf = (checks: Awaited<ReturnType<typeof auditLedger>>) =>
  checks.find(({ name }) => name.startsWith("the sums of usage"));

describe("sums of usage", () => {
  test.each([
    ["in the order of time", inOrder],
    ["by a clock that jumps", (entries: readonly Entry[]) => [...entries]],
  ] as const)(
    "are those of the ledger, however much of it is in the sums: %s",
    { timeout: 120_000 },
    async (_name, order) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(entry, { minLength: 1, maxLength: 25 }),
          fc.integer({ min: 0, max: 12 }),
          fc.integer({ min: 1, max: 9 }),
          fc.array(fc.tuple(moment, moment), { minLength: 1, maxLength: 1 }),
          async (entries, steps, limit, ranges) => {
            await enter(order(entries));
            for (let i = 0; i < steps; i++) await foldUsage(db, limit);
            await expectSums(ranges);
            expect((await wrong(limit * 9))?.offending).toEqual([]);
          },
        ),
        { numRuns: 5, seed: 20_261_129 },
      );
      while (await foldUsage(db, 1_000));
      await expectSums([[0, Date.UTC(9_999, 11, 31)]]);
      expect(await wrong()).toMatchObject({ offending: [] });
      expect((await wrong())?.checked).toBeGreaterThan(100n);
    },
  );

  test("are added to once, whichever replicas do it at the same time", async () => {
    await enter(inOrder(fc.sample(entry, { numRuns: 60, seed: 5 })));
    let more = true;
    while (more) more = (await Promise.all([1, 2, 3].map(() => foldUsage(db, 7)))).some(Boolean);
    while (await foldUsage(db, 7));
    await expectSums([[0, Date.UTC(9_999, 11, 31)]]);
    expect((await wrong())?.offending).toEqual([]);
  });

  const sums = ["0, 1", "0, 2", "1, 2", "1, 3", "2, 1", "2, 2", "2, 3"];
  const labels = ["1, 1", "1, 2", "1, 3", "2, 1", "2, 2", "2, 3"];
  const one = (table: string, row: string) =>
    `ctid = (select ctid from billing.${table} where ${row} order by account_id desc, starts limit 1)`;
  const altered = "charged = charged + 1";
  test.each([
    ...sums.map((of) => [
      `a sum (${of}) that was altered`,
      `update billing.usage_sum set ${altered} where ${one("usage_sum", `(detail, span) = (${of}) and account_id > 0`)}`,
    ]),
    ["a sum that is missing", `delete from billing.usage_sum where ${one("usage_sum", "(detail, span) = (1, 3)")}`],
    ...sums
      .filter((of) => !of.startsWith("1"))
      .map((of) => [
        `a sum (${of}) of all accounts`,
        `update billing.usage_sum set ${altered} where ${one("usage_sum", `(detail, span) = (${of}) and account_id = 0`)}`,
      ]),
    ...labels.flatMap((of) => [
      [
        `a label's sum (${of}) that was altered`,
        `update billing.label_sum set ${altered} where ${one("label_sum", `(kind, span) = (${of})`)}`,
      ],
      [
        `a label (${of}) that is not told apart`,
        `update billing.label_sum set id = '*' where ${one("label_sum", `(kind, span) = (${of}) and id like '=a%'`)}`,
      ],
    ]),
    [
      "a label's sum that is missing",
      `delete from billing.label_sum where ${one("label_sum", "(kind, span) = (2, 1)")}`,
    ],
    ["units that nobody used", "update billing.usage_sum set images = 1 where detail = 2 and span = 3"],
    ["units of a user that nobody used", "update billing.label_sum set audio_ms = -1 where kind = 1 and span = 1"],
    ["further units", `update billing.usage_sum set more = '{"searches": 1}' where detail = 0 and account_id > 0`],
    ["a list price", "update billing.label_sum set list_price = list_price + 1 where kind = 1 and span = 3"],
    ["an estimate", "update billing.usage_sum set estimated = not estimated where detail = 1"],
    [
      "an hour that has no entries",
      "insert into billing.usage_sum select account_id, detail, span, 24, id, requests, charged, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, images, audio_ms, characters, more, estimated from billing.usage_sum where detail = 0 and span = 1 limit 1",
    ],
    ["an account that has no entries", "update billing.label_sum set account_id = account_id + 1000 where kind = 2"],
    ["sums that are not kept", "update billing.usage_sum set detail = 7 where detail = 0 and span = 1"],
    ["labels that are not kept", "update billing.label_sum set kind = 7 where kind = 2"],
    ["a number beyond the ledger", "update billing.usage_fold set folded_seq = folded_seq + 1"],
    ["a number of labels beyond the ledger", "update billing.label_fold set folded_seq = folded_seq + 1"],
    ["a number before that of the last entry", "update billing.usage_fold set folded_seq = 1"],
    ["a number of labels before that of the last entry", "update billing.label_fold set folded_seq = 1"],
    ["an entry with another amount", "update billing.ledger set amount = amount - 1 where kind = 1 and seq < 5"],
    [
      "an entry of another month",
      "update billing.ledger set created_at = created_at - interval '40 days' where kind = 1 and seq < 5",
    ],
    ["an entry by another key", "update billing.ledger set key_id = 77 where kind = 1 and seq < 5"],
    ["an entry at another tariff", "update billing.ledger set tariff_id = 77 where kind = 1 and seq < 5"],
    ["an entry of another end user", "update billing.ledger set end_user = 'eve' where kind = 1 and seq < 5"],
    ["an entry with another tag", `update billing.ledger set tags = '["eve"]' where kind = 1 and seq < 5`],
    ["an entry with units that nobody used", "update billing.ledger set images = 1 where kind = 1 and seq < 5"],
    ["an entry that is missing", "delete from billing.ledger where kind = 1 and seq < 5"],
  ])("are not believed by the audit: %s", async (_name = "", damage = "") => {
    while (await foldUsage(db, 1_000));
    const undo = new Error("undone");
    const found = db.transaction(async (trx) => {
      await sql`set local role none`.execute(trx.kysely);
      await sql`set local session_replication_role = replica`.execute(trx.kysely);
      expect((await sql.raw(damage).execute(trx.kysely)).numAffectedRows).toBeGreaterThan(0n);
      expect(sumsOf(await auditLedger(trx, 60))?.offending).not.toEqual([]);
      throw undo;
    });
    await expect(found).rejects.toBe(undo);
  });
});

test("what the last minute added to the sums is not read again, and a clock that steps back within it hides nothing", async () => {
  while (await foldUsage(db, 1_000));
  const atMs = Date.UTC(2028, 11, 1);
  const plain = { key: 1, tariff: 1, kind: "charge", amount: 5, user: "ann", ofKey: null, tags: [] } as const;
  const at = (account: number, seconds: number): Entry => ({ ...plain, account, atMs: atMs + seconds * 1_000 });
  await enter(Array.from({ length: 200 }, (_, i) => at(0, i / 4)));
  while (await foldUsage(db, 1_000));
  await enter([at(0, 50.5), at(0, 50.6)]);
  const read = await db.transaction(async (trx) => {
    const readSoFar = async (): Promise<number> => {
      const { rows } = await sql<{ entries: string }>`
        select sum(idx_tup_fetch) as entries from pg_stat_xact_user_tables
        where schemaname = 'billing' and relname like 'ledger%'`.execute(trx.kysely);
      return Number(rows[0]?.entries);
    };
    const before = await readSoFar();
    expect(await foldUsage(trx, 1_000)).toBe(false);
    return (await readSoFar()) - before;
  });
  expect(read).toBeGreaterThanOrEqual(4);
  expect(read).toBeLessThan(40);
  await enter([at(0, 20), at(1, 60), at(0, 21)]);
  expect(await foldUsage(db, 1_000)).toBe(false);
  const { rows } = await sql`
    select a.account_id from billing.account a left join billing.usage_fold f using (account_id)
    left join billing.label_fold l using (account_id)
    where a.ledger_seq > least(coalesce(f.folded_seq, 0), coalesce(l.folded_seq, 0))`.execute(db.kysely);
  expect(rows).toEqual([]);
  await expectSums([[atMs, atMs + 120_000]]);
  expect(await wrong()).toMatchObject({ offending: [] });
});

test("a sum up to now is made of the running month's, whose days and hours are not read", async () => {
  while (await foldUsage(db, 1_000));
  const undo = new Error("undone");
  const asked = db.transaction(async (trx) => {
    await sql`set local role none`.execute(trx.kysely);
    for (const accountId of accounts) {
      const { rows } = await sql<{ last: Date | null }>`
        select max(created_at) as last from billing.ledger where account_id = ${accountId}`.execute(trx.kysely);
      const lastMs = rows[0]?.last?.getTime();
      if (lastMs === undefined) throw new Error("every account has entries");
      const query = { accountId, fromMs: Date.UTC(2028, 0, 1), toMs: lastMs + 1, by: "user" } as const;
      const whole = await sumAll(trx, query);
      expect(whole.length).toBeGreaterThan(0);
      await sql`delete from billing.label_sum where account_id = ${accountId} and span <> 3`.execute(trx.kysely);
      expect(await sumAll(trx, query)).toEqual(whole);
      expect(await sumAll(trx, { ...query, toMs: lastMs })).not.toEqual(whole);
    }
    throw undo;
  });
  await expect(asked).rejects.toBe(undo);
});

test("end users beyond those of an hour that are told apart are summed together, exactly and by the order of their entries", async () => {
  const [accountId = 0n] = accounts;
  const atMs = Date.UTC(2029, 0, 1);
  const most = mostLabels[1] ?? 0;
  const charged = async (step: "hour" | "day") => {
    const rows = await sumAll(db, { accountId, fromMs: atMs, toMs: atMs + dayMs, by: "user", step });
    return { names: rows.filter(({ other }) => !other), others: rows.filter(({ other }) => other) };
  };
  const many = async (first: number, count: number) => {
    await sql`
      with e as (select i from generate_series(${first}::integer, ${first + count - 1}::integer) i),
      l as (insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, kind, estimated,
              reason, end_user)
            select ${10n ** 15n}::bigint + i, ${accountId}, a.ledger_seq + i - ${first}::integer + 1, -1, 0,
              a.balance - (i - ${first}::integer + 1), ${new Date(atMs)}::timestamptz, null, 1, false, 'usage', 'user ' || i
            from e join billing.account a on a.account_id = ${accountId})
      update billing.account set ledger_seq = ledger_seq + ${count}::integer, balance = balance - ${count}::integer
      where account_id = ${accountId}`.execute(db.kysely);
    while (await foldUsage(db, 300));
  };
  await many(1, most + 50);
  const hour = await charged("hour");
  expect(hour.names).toHaveLength(most);
  expect(hour.names.map(({ name }) => Number(name.slice(5))).every((n) => n <= most)).toBe(true);
  expect(hour.others).toMatchObject([{ name: "", requests: 50n, charged: 50n }]);
  // A day tells more of them apart than an hour.
  expect((await charged("day")).names).toHaveLength(most + 50);
  // A label that has a place keeps it; a label that comes later gets none.
  await many(most + 51, 1);
  expect((await charged("hour")).others).toMatchObject([{ requests: 51n }]);
  expect((await wrong())?.offending).toEqual([]);
});

test("a day and a month tell those apart that came first, and the audit knows which these are", async () => {
  const [, accountId = 0n] = accounts;
  const first = Date.UTC(2030, 0, 9);
  // 6,000 in the first hour of one day, and on the next one 5,000 that are new and 1,000 of the first.
  const days = [
    { atMs: first, from: 1, to: 6_000 },
    { atMs: first + dayMs, from: 5_001, to: 11_000 },
  ];
  for (const { atMs, from, to } of days) {
    await sql`
      with l as (insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind, estimated, reason, end_user)
        select ${10n ** 16n + BigInt(atMs)}::bigint * 10 + i, ${accountId}, a.ledger_seq + i - ${from}::integer + 1, -1, 0, 0,
          ${new Date(atMs)}::timestamptz, 1, false, 'usage', 'user ' || i
        from generate_series(${from}::integer, ${to}::integer) i join billing.account a on a.account_id = ${accountId})
      update billing.account set ledger_seq = ledger_seq + ${to - from + 1}::integer where account_id = ${accountId}`.execute(
      db.kysely,
    );
    while (await foldUsage(db, 20_000));
  }
  const charged = async (step: "day" | "month") => {
    const rows = await sumAll(db, {
      accountId,
      fromMs: Date.UTC(2030, 0, 1),
      toMs: Date.UTC(2030, 1, 1),
      by: "user",
      step,
    });
    return rows.filter(({ other }) => other).map(({ requests }) => requests);
  };
  expect(await charged("day")).toEqual([1_000n, 1_000n]);
  expect(await charged("month")).toEqual([1_000n]);
  expect((await wrong())?.offending).toEqual([]);
  expect((await wrong(5_000))?.offending).toEqual([]);
  const undo = new Error("undone");
  const found = db.transaction(async (trx) => {
    await sql`set local role none`.execute(trx.kysely);
    // Another user of the same sums has the place of one who came first: only the order tells.
    await sql`update billing.label_sum set id = '=user 10999' where account_id = ${accountId} and span = 3 and id = '=user 1'`.execute(
      trx.kysely,
    );
    expect(sumsOf(await auditLedger(trx))?.offending).not.toEqual([]);
    throw undo;
  });
  await expect(found).rejects.toBe(undo);
});
