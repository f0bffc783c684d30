import { type RawBuilder, sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { type Cover, coverOf, type Span } from "../domain/usage-cover.ts";
import { type UsageColumn, usageColumns } from "./columns.ts";
import type { BillingSchema } from "./schema.ts";

/** What usage is summed by. */
export type UsageBy = "day" | "key" | "model" | "group" | "module";

/** A sum. Counts come as bigint. */
export interface UsageSumRow extends Record<UsageColumn, bigint> {
  name: string;
  requests: bigint;
  charged: bigint;
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
}

/** Where the sums for a question are, and what they are called. `c` is a row of sums or of the ledger. */
interface Grouping {
  /** Column `detail` of `usage_sum`. */
  readonly detail: number;
  /** Longest spans first. */
  readonly spans: readonly Span[];
  /** Whether there are sums over all accounts. */
  readonly together: boolean;
  readonly name: RawBuilder<unknown>;
}

const kind = sql`(select t.module from billing.tariff t where t.tariff_id = c.id)`;
const tariff = sql`(select t.model from billing.tariff t where t.tariff_id = c.id)`;
const group = sql`coalesce(
  (select nullif(t.group_name, '') from billing.tariff t where t.tariff_id = c.id),
  (select a.group_name from billing.account a where a.account_id = c.account_id), '')`;

const groupings: Readonly<Record<UsageBy, Grouping>> = {
  day: {
    detail: 0,
    spans: ["day", "hour"],
    together: true,
    name: sql`to_char(to_timestamp(c.day * 86400.0) at time zone 'UTC', 'YYYY-MM-DD')`,
  },
  key: { detail: 1, spans: ["month", "day"], together: false, name: sql`c.id::text` },
  model: { detail: 2, spans: ["month", "day", "hour"], together: true, name: sql`coalesce(${tariff}, '')` },
  module: { detail: 2, spans: ["month", "day", "hour"], together: true, name: sql`coalesce(${kind}, '')` },
  group: { detail: 2, spans: ["month", "day", "hour"], together: false, name: group },
};

/** Column `span` of `usage_sum`. */
const spanNumbers: Readonly<Record<Span, number>> = { hour: 1, day: 2, month: 3 };

const most = "9223372036854775807";
const partsOf = (alias: string) =>
  usageColumns.map((column) => `coalesce(${alias}.${column}, 0) as ${column}`).join(", ");
const sums = ["requests", "charged", ...usageColumns]
  .map((column) => `least(sum(c.${column}), ${most})::bigint as ${column}`)
  .join(", ");

/** An entry of the ledger as a row of sums. A late charge beside its release is one request. */
const entryColumns = sql.raw(`l.account_id, l.key_id, l.tariff_id, l.created_at,
  case when l.kind = 1 and l.reason = 'late' and exists (
    select from billing.ledger r where r.entry_id = l.entry_id and r.kind = 2) then 0 else 1 end as requests,
  -l.amount as charged, ${partsOf("l")}, l.more, l.estimated`);
const cells = sql.raw(
  `c.requests, c.charged, ${usageColumns.map((column) => `c.${column}`).join(", ")}, c.more, c.estimated`,
);

/** Sums of further units as digits: as numbers of JSON those beyond 2^53 would not be exact. */
const digits = sql`(select jsonb_object_agg(m.key, m.value) from jsonb_each_text(billing.sum_more(c.more)) m) as more`;

/** The smallest time that the table of sums may lag behind the ledger by, beside its own account of it. */
const marginMs = 60_000;

/**
 * Sums what requests that ended in [fromMs, toMs) were charged and consumed, of an account or of all. By the time of the
 * ending, as budgets count: a day's sum never changes after the day. Exact: sums that are kept for whole spans, from the
 * ledger the parts of hours at both ends, and the entries that are not in the sums yet.
 */
export async function sumUsage(db: Queryable<BillingSchema>, query: UsageQuery): Promise<UsageSumRow[]> {
  const cover = coverOf(query.fromMs, query.toMs, groupings[query.by].spans);
  const found = await read(db, query, cover, await tailFrom(db, query));
  // A clock that stepped back hides new entries behind old ones: then all entries are looked through.
  return found ?? (await read(db, query, cover, beginning)) ?? [];
}

/** Bounds the statements of a transaction. */
export async function limitStatements(trx: Queryable<BillingSchema>, timeoutMs: number): Promise<void> {
  await sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`.execute(trx.kysely);
}

/** Undefined where entries that are not in the sums yet were not all found. */
async function read(
  db: Queryable<BillingSchema>,
  query: UsageQuery,
  cover: Cover,
  from: Date,
): Promise<UsageSumRow[] | undefined> {
  const { detail, name } = groupings[query.by];
  const day = detail === 0 ? sql`floor(extract(epoch from e.created_at) / 86400)::integer` : sql`0`;
  const id = [sql`0::bigint`, sql`coalesce(e.key_id, 0)`, sql`coalesce(e.tariff_id, 0)::bigint`][detail];
  const { rows } = await sql<UsageSumRow & { name: string | null }>`
    with tail as materialized (${tailOf(query, from)}),
    entries as (${entriesOf(query, cover)}),
    cell as (
      ${sumsOf(query, cover)}
      union all
      select e.account_id, ${id} as id, ${day} as day,
        ${sql.raw(["requests", "charged", ...usageColumns].map((part) => `e.${part}`).join(", "))}, e.more, e.estimated
      from entries e
    ),
    part as (
      select c.account_id, c.id, c.day, ${sql.raw(sums)}, billing.sum_more(c.more) as more, bool_or(c.estimated) as estimated
      from cell c group by c.account_id, c.id, c.day
    )
    select ${name} as name, ${sql.raw(sums)}, ${digits}, bool_or(c.estimated) as estimated from part c group by 1
    union all
    select null, ${pendingOf(query)} - (select count(*) from tail),
      ${sql.raw(["0", ...usageColumns.map(() => "0")].join(", "))}, null, false
    order by 1`.execute(db.kysely);
  const missing = rows.find((row) => row.name === null)?.requests ?? 0n;
  return missing === 0n ? rows.filter((row) => row.name !== null) : undefined;
}

const ofAccount = ({ accountId }: UsageQuery) => (accountId === 0n ? sql`` : sql`and l.account_id = ${accountId}`);

/** How many entries are not in the sums yet, by the accounts' own numbers. */
function pendingOf({ accountId }: UsageQuery): RawBuilder<unknown> {
  const whose = accountId === 0n ? sql`` : sql`where a.account_id = ${accountId}`;
  return sql`(select coalesce(sum(a.ledger_seq - coalesce(f.folded_seq, 0)), 0)::bigint
    from billing.account a left join billing.usage_fold f on f.account_id = a.account_id ${whose})`;
}

/** Before every entry. */
const beginning = new Date(0);

/**
 * From which time on entries are looked for that are not in the sums yet. By a statement of its own, because of a time that
 * it does not know PostgreSQL expects a third of all entries, and then reads them all.
 */
async function tailFrom(db: Queryable<BillingSchema>, { accountId }: UsageQuery): Promise<Date> {
  const known =
    accountId === 0n
      ? sql`select j.position as at from billing.job j where j.name = 'usage'`
      : sql`select f.folded_at as at from billing.usage_fold f where f.account_id = ${accountId}`;
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from at) * 1000)::double precision as ms from (${known}) k
    where at > '1970-01-02'`.execute(db.kysely);
  return new Date(Math.max(0, Math.floor((rows[0]?.ms ?? 0) - marginMs)));
}

/** The entries that are not in the sums yet. */
function tailOf({ accountId }: UsageQuery, from: Date): RawBuilder<unknown> {
  if (accountId === 0n) {
    return sql`select ${entryColumns}, l.kind
      from billing.ledger l left join billing.usage_fold f on f.account_id = l.account_id
      where l.created_at >= ${from} and l.seq > coalesce(f.folded_seq, 0)`;
  }
  return sql`select ${entryColumns}, l.kind from billing.ledger l
    where l.account_id = ${accountId} and l.created_at >= ${from}
      and l.seq > coalesce((select f.folded_seq from billing.usage_fold f where f.account_id = ${accountId}), 0)`;
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
function sumsOf({ accountId, by }: UsageQuery, { stretches }: Cover): RawBuilder<unknown> {
  const { detail, together } = groupings[by];
  const every = accountId === 0n && !together;
  const whose = every
    ? sql`billing.account a join billing.usage_sum c on c.account_id = a.account_id`
    : sql`billing.usage_sum c`;
  const ofOne = every ? sql`` : sql`and c.account_id = ${accountId}`;
  const day = detail === 0 ? sql`c.starts / 24` : sql`0`;
  const selects = stretches.map(
    ({ span, fromHour, toHour }) => sql`select c.account_id, c.id, ${day} as day, ${cells} from ${whose}
      where c.detail = ${detail}::smallint and c.span = ${spanNumbers[span]}::smallint
        and c.starts >= ${fromHour}::integer and c.starts < ${toHour}::integer ${ofOne}`,
  );
  const none = sql`select c.account_id, c.id, 0 as day, ${cells} from billing.usage_sum c where false`;
  return sql.join([none, ...selects], sql` union all `);
}
