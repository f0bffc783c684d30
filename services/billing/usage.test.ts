import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sumUsage } from "./db/usage.ts";
import { foldUsage } from "./db/usage-fold.ts";
import type { UsageBy } from "./db/usage-groupings.ts";
import type { UsageQuery, UsageSumRow } from "./db/usage-query.ts";
import type { NameRank } from "./domain/usage-page.ts";
import {
  auditOfSums,
  dayMs,
  type Entry,
  entry,
  inOrder,
  ledgerEndMs,
  ledgerStartMs,
  startTestLedger,
  type TestLedger,
} from "./testing-ledger.ts";
import { sumAll } from "./testing-usage.ts";

const hourMs = 3_600_000;
const ways: readonly UsageBy[] = ["day", "key", "model", "group", "module", "account", "channel", "user", "tag"];
const steps = [undefined, "hour", "day", "month"] as const;

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger?.[Symbol.asyncDispose]());

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
    group by 1, 4 order by 1, 4`.execute(ledger.db.kysely);
  return rows;
}

/** Ranges that begin and end within hours, at hours, days and months, and that hold all or nothing. */
const moment = fc.oneof(
  fc.integer({ min: ledgerStartMs - dayMs, max: ledgerEndMs + dayMs }),
  fc.integer({ min: 0, max: 2_500 }).map((hours) => ledgerStartMs + hours * hourMs),
  fc.integer({ min: 0, max: 104 }).map((days) => ledgerStartMs + days * dayMs),
  fc.integer({ min: 0, max: 4 }).map((months) => Date.UTC(2028, months, 1)),
  fc.constantFrom(0, Date.UTC(9_999, 11, 31)),
);

async function expectSums(ranges: readonly (readonly [number, number])[]): Promise<void> {
  for (const [a, b] of ranges) {
    const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b) + 1];
    for (const accountId of [0n, ...ledger.accounts]) {
      for (const [i, by] of ways.entries()) {
        const step = steps[(i + Number(accountId) + fromMs) % steps.length];
        const sums = await sumAll(ledger.db, { accountId, fromMs, toMs, by, step });
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
    const { rows, rest } = await sumUsage(ledger.db, query, { limit: 2, mostSums, after });
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
            await ledger.enter(order(entries));
            for (let i = 0; i < steps; i++) await foldUsage(ledger.db, limit);
            await expectSums(ranges);
            expect((await auditOfSums(ledger.db, limit * 9))?.offending).toEqual([]);
          },
        ),
        { numRuns: 5, seed: 20_261_129 },
      );
      await ledger.foldAll();
      await expectSums([[0, Date.UTC(9_999, 11, 31)]]);
      expect(await auditOfSums(ledger.db)).toMatchObject({ offending: [] });
      expect((await auditOfSums(ledger.db))?.checked).toBeGreaterThan(100n);
    },
  );

  test("are added to once, whichever replicas do it at the same time", async () => {
    await ledger.enter(inOrder(fc.sample(entry, { numRuns: 60, seed: 5 })));
    let more = true;
    while (more) more = (await Promise.all([1, 2, 3].map(() => foldUsage(ledger.db, 7)))).some(Boolean);
    await ledger.foldAll(7);
    await expectSums([[0, Date.UTC(9_999, 11, 31)]]);
    expect((await auditOfSums(ledger.db))?.offending).toEqual([]);
  });
});

test("what the last minute added to the sums is not read again, and a clock that steps back within it hides nothing", async () => {
  await ledger.foldAll();
  const atMs = Date.UTC(2028, 11, 1);
  const plain = { key: 1, tariff: 1, kind: "charge", amount: 5, user: "ann", ofKey: null, tags: [] } as const;
  const at = (account: number, seconds: number): Entry => ({ ...plain, account, atMs: atMs + seconds * 1_000 });
  await ledger.enter(Array.from({ length: 200 }, (_, i) => at(0, i / 4)));
  await ledger.foldAll();
  await ledger.enter([at(0, 50.5), at(0, 50.6)]);
  const read = await ledger.db.transaction(async (trx) => {
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
  await ledger.enter([at(0, 20), at(1, 60), at(0, 21)]);
  expect(await foldUsage(ledger.db, 1_000)).toBe(false);
  const { rows } = await sql`
    select a.account_id from billing.account a left join billing.usage_fold f using (account_id)
    left join billing.label_fold l using (account_id)
    where a.ledger_seq > least(coalesce(f.folded_seq, 0), coalesce(l.folded_seq, 0))`.execute(ledger.db.kysely);
  expect(rows).toEqual([]);
  await expectSums([[atMs, atMs + 120_000]]);
  expect(await auditOfSums(ledger.db)).toMatchObject({ offending: [] });
});

test("a sum up to now is made of the running month's, whose days and hours are not read", async () => {
  await ledger.foldAll();
  const undo = new Error("undone");
  const asked = ledger.db.transaction(async (trx) => {
    await sql`set local role none`.execute(trx.kysely);
    for (const accountId of ledger.accounts) {
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
