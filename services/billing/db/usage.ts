import { type RawBuilder, sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { type Cover, coverOf, endOfMonth, type Span } from "../domain/usage-cover.ts";
import { type UsageColumn, usageColumns } from "./columns.ts";
import type { BillingSchema } from "./schema.ts";
import { groupings, type UsageBy } from "./usage-groupings.ts";

/** A sum. Counts come as bigint. */
export interface UsageSumRow extends Record<UsageColumn, bigint> {
  name: string;
  /** What people call it; empty: the name says it. */
  title: string;
  /** True: it sums what is not told apart. */
  other: boolean;
  /** The hour from 1970-01-01, UTC, at which its stretch of time begins; 0: it is the whole span. */
  starts: number;
  requests: bigint;
  charged: bigint;
  /** Requests whose list price is known, what was charged for them, and what they cost by the list. */
  listed: bigint;
  listed_charged: bigint;
  list_price: bigint;
  /** Further units, amounts as digits; null: none. */
  more: Readonly<Record<string, string>> | null;
  estimated: boolean;
}

/** What is asked for. */
export interface UsageQuery {
  /** 0n: all accounts. */
  readonly accountId: bigint;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly by: UsageBy;
  /** A sum for each of these stretches of time; undefined: for the whole span. */
  readonly step?: Span | undefined;
}

/** Part of the names that there are sums of: those with the largest charge over the whole span first. */
export interface UsagePage {
  /** Names; at least 1. */
  readonly limit: number;
  /** After this one; undefined: from the first. */
  readonly after: NameRank | undefined;
}

/** Where a name stands among all names. */
export interface NameRank {
  readonly charged: bigint;
  readonly name: string;
  readonly other: boolean;
}

/** Sums, and what comes after them where a page was asked for. */
export interface UsageSums {
  /** By name and time; of a page name by name, the largest first. */
  readonly rows: readonly UsageSumRow[];
  /** Undefined: there is nothing after them. */
  readonly rest:
    | { readonly last: NameRank; readonly names: bigint; readonly requests: bigint; readonly charged: bigint }
    | undefined;
}

/** Column `span` of `usage_sum`. */
const spanNumbers: Readonly<Record<Span, number>> = { hour: 1, day: 2, month: 3 };

const most = "9223372036854775807";
const counted = ["requests", "charged", "listed", "listed_charged", "list_price", ...usageColumns];
const partsOf = (alias: string) =>
  usageColumns.map((column) => `coalesce(${alias}.${column}, 0) as ${column}`).join(", ");
const sums = counted.map((column) => `least(sum(c.${column}), ${most})::bigint as ${column}`).join(", ");

/** An entry of the ledger as a row of sums. A late charge beside its release is one request. */
const entryColumns = sql.raw(`l.account_id, l.key_id, l.tariff_id, l.created_at, l.end_user, l.user_id, l.tags,
  case when l.kind = 1 and l.reason = 'late' and exists (
    select from billing.ledger r where r.entry_id = l.entry_id and r.kind = 2) then 0 else 1 end as requests,
  -l.amount as charged, (l.list_price is not null)::integer as listed,
  case when l.list_price is null then 0 else -l.amount end as listed_charged, coalesce(l.list_price, 0) as list_price, ${partsOf("l")}, l.more, l.estimated`);
const cellColumns = (alias: string) =>
  sql.raw([...counted, "more", "estimated"].map((column) => `${alias}.${column}`).join(", "));

/** Sums of further units as digits: as numbers of JSON those beyond 2^53 would not be exact. */
const digitsOf = (more: RawBuilder<unknown>) =>
  sql`case when ${more} is null then null else (select jsonb_object_agg(m.key, m.value) from jsonb_each_text(${more}) m) end as more`;

/** The smallest time that the table of sums may lag behind the ledger by, beside its own account of it. */
const marginMs = 60_000;

/**
 * Sums what requests that ended in [fromMs, toMs) were charged and consumed, of an account or of all. By the time of the
 * ending, as budgets count: a day's sum never changes after the day. Exact: sums that are kept for whole spans, from the
 * ledger the parts of hours at both ends, and the entries that are not in the sums yet.
 */
export async function sumUsage(db: Queryable<BillingSchema>, asked: UsageQuery): Promise<readonly UsageSumRow[]> {
  return (await pageUsage(db, asked, undefined)).rows;
}

/** As `sumUsage`, and no more than a page of names. In a snapshot, for it takes several statements. */
export async function pageUsage(
  db: Queryable<BillingSchema>,
  asked: UsageQuery,
  page: UsagePage | undefined,
): Promise<UsageSums> {
  const query = asked.by === "day" ? { ...asked, step: "day" as const } : asked;
  const { spans } = groupings[query.by];
  const cover = coverOf(
    query.fromMs,
    await endOf(db, query),
    query.step === undefined ? spans : within(spans, query.step),
  );
  const found = await readPage(db, { query, cover, from: await tailFrom(db, query) }, page);
  // A clock that stepped back hides new entries behind old ones: then all entries are looked through.
  return found ?? (await readPage(db, { query, cover, from: beginning }, page)) ?? { rows: [], rest: undefined };
}

/** What sums are made of. */
interface Source {
  readonly query: UsageQuery;
  readonly cover: Cover;
  /** From when on entries are looked for that are not in the sums yet. */
  readonly from: Date;
}

async function readPage(
  db: Queryable<BillingSchema>,
  source: Source,
  page: UsagePage | undefined,
): Promise<UsageSums | undefined> {
  if (page === undefined) {
    const rows = await read(db, source, sql`true`);
    return rows === undefined ? undefined : { rows, rest: undefined };
  }
  const { ranked, following } = await rankNames(db, source, page);
  const rows = await read(db, source, onlyOf(source.query, ranked));
  if (rows === undefined) return undefined;
  const byName = Map.groupBy(rows, keyOf);
  return { rows: ranked.flatMap((name) => byName.get(keyOf(name)) ?? []), rest: following };
}

const keyOf = ({ name, other }: { readonly name: string; readonly other: boolean }) => `${other} ${name}`;

/** A name, and under which `id`s it is kept. */
interface RankedRow extends NameRank {
  readonly requests: bigint;
  /** NULL: an `id` is a name, whichever accounts have it. */
  readonly accounts: readonly string[] | null;
  readonly ids: readonly string[];
  /** What all names come to, this page and after it. */
  readonly names: bigint;
  readonly all_requests: bigint;
  readonly all_charged: bigint;
}

/**
 * The names of a page, and what those after them come to. By charge alone: sums of everything, of 20,000 end users of whom a page has a
 * hundred, are most of what an answer with all of them costs.
 */
async function rankNames(db: Queryable<BillingSchema>, source: Source, { limit, after }: UsagePage) {
  const { name, other, distinct } = groupings[source.query.by];
  const follows =
    after === undefined
      ? sql`true`
      : sql`(-r.charged, r.name, r.other) > (-(${after.charged}::numeric), ${after.name}::text, ${after.other}::boolean)`;
  const sums = sql`sum(c.charged) as charged, sum(c.requests) as requests from cell c`;
  const bounded = (column: string) => sql.raw(`least(${column}, ${most})::bigint`);
  // Names that are one `id` each are not put into groups once more.
  const named = distinct
    ? sql`select ${name} as name, ${other} as other, c.charged, c.requests, null::text[] as accounts, c.id::text as id
        from (select c.id, ${sums} group by c.id) c`
    : sql`select n.name, n.other, sum(n.charged) as charged, sum(n.requests) as requests,
          array_agg(n.account_id::text) as accounts, array_agg(n.id::text) as id
        from (select c.*, ${name} as name, ${other} as other
          from (select c.account_id, c.id, ${sums} group by c.account_id, c.id) c) n
        group by n.name, n.other`;
  const { rows } = await sql<RankedRow>`
    with ${cellsOf(source)},
    named as (${named}),
    ranked as (select n.name, n.other, n.accounts, n.id, ${bounded("n.charged")} as charged, n.requests from named n)
    select r.name, r.other, r.charged, ${bounded("r.requests")} as requests, r.accounts, ${distinct ? sql`array[r.id]` : sql`r.id`} as ids,
      count(*) over () as names, ${bounded("sum(r.requests) over ()")} as all_requests,
      ${bounded("sum(r.charged) over ()")} as all_charged
    from ranked r where ${follows} order by r.charged desc, r.name, r.other limit ${limit}`.execute(db.kysely);
  const last = rows.at(-1);
  const names = (last?.names ?? 0n) - BigInt(rows.length);
  if (last === undefined || names === 0n) return { ranked: rows, following: undefined };
  const following = {
    last: { charged: last.charged, name: last.name, other: last.other },
    names,
    requests: rows.reduce((left, row) => left - row.requests, last.all_requests),
    charged: rows.reduce((left, row) => left - row.charged, last.all_charged),
  };
  return { ranked: rows, following };
}

/** Which sums (`c`) are those of some names. */
function onlyOf({ by }: UsageQuery, ranked: readonly RankedRow[]): RawBuilder<unknown> {
  const ids = ranked.flatMap((row) => row.ids);
  if (groupings[by].distinct) return sql`c.id::text = any(${ids}::text[])`;
  const accounts = ranked.flatMap((row) => row.accounts ?? []);
  return sql`(c.account_id, c.id) in (
    select u.account::bigint, u.id::bigint from unnest(${accounts}::text[], ${ids}::text[]) u (account, id))`;
}

/**
 * Where a sum ends. Of an account that has no entry after its time, at the end of that month: the sums of the running day and month are then
 * those up to now, and of 10,000 users a month's are 10,000, where the days of it are 150,000.
 */
async function endOf(db: Queryable<BillingSchema>, { accountId, toMs }: UsageQuery): Promise<number> {
  if (accountId === 0n) return toMs;
  const { rows } = await sql<{ later: boolean }>`
    select exists (select from billing.ledger l
      where l.account_id = ${accountId} and l.created_at >= ${new Date(toMs)}) as later`.execute(db.kysely);
  return rows[0]?.later === false ? endOfMonth(toMs) : toMs;
}

const lengths: readonly Span[] = ["hour", "day", "month"];

/** Those spans that are no longer than a step. */
function within(spans: readonly Span[], step: Span): readonly Span[] {
  return spans.filter((span) => lengths.indexOf(span) <= lengths.indexOf(step));
}

/** The hour at which the stretch of time begins that an hour is in. */
function startOf(step: Span | undefined, hour: RawBuilder<unknown>): RawBuilder<unknown> {
  switch (step) {
    case undefined:
      return sql`0`;
    case "hour":
      return hour;
    case "day":
      return sql`${hour} / 24 * 24`;
    case "month":
      return sql`(extract(epoch from date_trunc('month', to_timestamp(${hour} * 3600.0), 'UTC')) / 3600)::integer`;
  }
}

/** Bounds the statements of a transaction. */
export async function limitStatements(trx: Queryable<BillingSchema>, timeoutMs: number): Promise<void> {
  await sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`.execute(trx.kysely);
}

/** Common table expressions of `tail`, entries that are not in the sums yet, and of `cell`, all that is summed. */
function cellsOf({ query, cover, from }: Source): RawBuilder<unknown> {
  const { id, join } = groupings[query.by];
  const entryHour = sql`floor(extract(epoch from e.created_at) / 3600)::integer`;
  return sql`tail as materialized (${tailOf(query, from)}),
    entries as (${entriesOf(query, cover)}),
    cell as (
      ${sumsOf(query, cover)}
      union all
      select e.account_id, ${id} as id, ${startOf(query.step, entryHour)} as starts, ${cellColumns("e")} from entries e ${join}
    )`;
}

/**
 * Sums of what `only` says of a cell (`c`). Undefined where entries that are not in the sums yet were not all found.
 */
async function read(
  db: Queryable<BillingSchema>,
  source: Source,
  only: RawBuilder<unknown>,
): Promise<UsageSumRow[] | undefined> {
  const { query } = source;
  const { name, title, other, distinct } = groupings[query.by];
  // With 20,000 users PostgreSQL took 250 ms to sum twice, in place of 150.
  const apart = distinct ? sql`c.id` : sql`c.account_id, c.id`;
  const byName = distinct
    ? sql`${sql.raw(counted.map((column) => `c.${column}`).join(", "))}, ${digitsOf(sql`c.more`)}, c.estimated from part c`
    : sql`${sql.raw(sums)}, ${digitsOf(sql`billing.sum_more(c.more)`)}, bool_or(c.estimated) as estimated from part c group by 1, 2, 3, 4`;
  const { rows } = await sql<Omit<UsageSumRow, "name"> & { name: string | null }>`
    with ${cellsOf(source)},
    part as (
      select ${apart}, c.starts, ${sql.raw(sums)}, billing.sum_more(c.more) as more, bool_or(c.estimated) as estimated
      from cell c where ${only} group by ${apart}, c.starts
    )
    select ${name} as name, ${title} as title, ${other} as other, c.starts, ${byName}
    union all
    select null, '', false, 0, ${pendingOf(query)} - (select count(*) from tail),
      ${sql.raw(
        counted
          .slice(1)
          .map(() => "0")
          .join(", "),
      )}, null, false
    order by 1, 4, 3 limit ${mostRows + 1}`.execute(db.kysely);
  const missing = rows.find((row) => row.name === null)?.requests ?? 0n;
  return missing === 0n ? rows.filter((row): row is UsageSumRow => row.name !== null) : undefined;
}

/** Rows of one answer; one more says that there are more. */
export const mostRows = 50_000;

const ofAccount = ({ accountId }: UsageQuery) => (accountId === 0n ? sql`` : sql`and l.account_id = ${accountId}`);

/** How many entries are not in the sums yet, by the accounts' own numbers. */
function pendingOf({ accountId, by }: UsageQuery): RawBuilder<unknown> {
  const whose = accountId === 0n ? sql`` : sql`where a.account_id = ${accountId}`;
  return sql`(select coalesce(sum(a.ledger_seq - coalesce(f.folded_seq, 0)), 0)::bigint
    from billing.account a left join ${groupings[by].marks} f on f.account_id = a.account_id ${whose})`;
}

/** Before every entry. */
const beginning = new Date(0);

/**
 * From which time on entries are looked for that are not in the sums yet. By a statement of its own, because of a time that
 * it does not know PostgreSQL expects a third of all entries, and then reads them all.
 */
async function tailFrom(db: Queryable<BillingSchema>, { accountId, by }: UsageQuery): Promise<Date> {
  const { job, marks } = groupings[by];
  const known =
    accountId === 0n
      ? sql`select j.position as at from billing.job j where j.name = ${job}`
      : sql`select f.folded_at as at from ${marks} f where f.account_id = ${accountId}`;
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from at) * 1000)::double precision as ms from (${known}) k
    where at > '1970-01-02'`.execute(db.kysely);
  return new Date(Math.max(0, Math.floor((rows[0]?.ms ?? 0) - marginMs)));
}

/** The entries that are not in the sums yet. */
function tailOf({ accountId, by }: UsageQuery, from: Date): RawBuilder<unknown> {
  const { marks } = groupings[by];
  if (accountId === 0n) {
    return sql`select ${entryColumns}, l.kind
      from billing.ledger l left join ${marks} f on f.account_id = l.account_id
      where l.created_at >= ${from} and l.seq > coalesce(f.folded_seq, 0)`;
  }
  return sql`select ${entryColumns}, l.kind from billing.ledger l
    where l.account_id = ${accountId} and l.created_at >= ${from}
      and l.seq > coalesce((select f.folded_seq from ${marks} f where f.account_id = ${accountId}), 0)`;
}

/** Entries that count beside the sums: those that are not in them yet, and those of the edges. */
function entriesOf(query: UsageQuery, { edges, fromHour, toHour }: Cover): RawBuilder<unknown> {
  const hour = (hours: number) => new Date(hours * 3_600_000);
  const unfolded = sql`select * from tail t
    where t.kind in (1, 2) and t.created_at >= ${hour(fromHour)} and t.created_at < ${hour(toHour)}`;
  const ends = edges.map(
    ({ fromMs, toMs }) => sql`select ${entryColumns}, l.kind from billing.ledger l
      where l.kind in (1, 2) and l.created_at >= ${new Date(fromMs)} and l.created_at < ${new Date(toMs)} ${ofAccount(query)}`,
  );
  return sql.join([unfolded, ...ends], sql` union all `);
}

/** The sums of whole spans, each stretch by itself: joined to a list of them PostgreSQL reads all sums of an account. */
function sumsOf({ accountId, by, step }: UsageQuery, { stretches }: Cover): RawBuilder<unknown> {
  const { table, which, together } = groupings[by];
  const every = accountId === 0n && !together;
  const whose = every ? sql`billing.account a join ${table} c on c.account_id = a.account_id` : sql`${table} c`;
  const ofOne = every ? sql`` : sql`and c.account_id = ${accountId}`;
  const columns = sql`c.account_id, c.id, ${startOf(step, sql`c.starts`)} as starts, ${cellColumns("c")}`;
  const selects = stretches.map(
    ({ span, fromHour, toHour }) => sql`select ${columns} from ${whose}
      where ${which} and c.span = ${spanNumbers[span]}::smallint
        and c.starts >= ${fromHour}::integer and c.starts < ${toHour}::integer ${ofOne}`,
  );
  const none = sql`select ${columns} from ${table} c where false`;
  return sql.join([none, ...selects], sql` union all `);
}
