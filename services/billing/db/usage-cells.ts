import { type RawBuilder, sql } from "kysely";
import type { Cover, Span } from "../domain/usage-cover.ts";
import { usageColumns } from "./columns.ts";
import { groupings } from "./usage-groupings.ts";
import type { UsageQuery } from "./usage-query.ts";

/** What sums are made of. */
export interface Source {
  readonly query: UsageQuery;
  readonly cover: Cover;
  /** From when on entries are looked for that are not in the sums yet. */
  readonly from: Date;
}

/** Where sums end, as those that have a column. */
export const mostCounted = "9223372036854775807";

/** What is counted of every entry and summed. */
export const counted = ["requests", "charged", "listed", "listed_charged", "list_price", ...usageColumns] as const;

/** A column of a cell. */
type CellColumn = (typeof counted)[number] | "more" | "estimated";

/** What a cell has beside its sums: of kept ones (`c`) by their span, and of entries by their hour. */
export interface Places {
  kept(span: Span): RawBuilder<unknown>;
  entry(hour: RawBuilder<unknown>): RawBuilder<unknown>;
}

/** Column `span` of the tables of sums. */
const spanNumbers: Readonly<Record<Span, number>> = { hour: 1, day: 2, month: 3 };

/** How an entry of the ledger (`l`) counts, where its column alone does not say it. A late charge beside its release is one request. */
const counts: Readonly<Partial<Record<CellColumn, string>>> = {
  requests: `case when l.kind = 1 and l.reason = 'late' and exists (
    select from billing.ledger r where r.entry_id = l.entry_id and r.kind = 2) then 0 else 1 end`,
  charged: "-l.amount",
  listed: "(l.list_price is not null)::integer",
  listed_charged: "case when l.list_price is null then 0 else -l.amount end",
  more: "l.more",
  estimated: "l.estimated",
};

const entryOf = (columns: readonly CellColumn[]) =>
  sql.raw(
    [
      "l.account_id, l.key_id, l.tariff_id, l.created_at, l.end_user, l.user_id, l.tags, l.kind",
      ...columns.map((column) => `${counts[column] ?? `coalesce(l.${column}, 0)`} as ${column}`),
    ].join(", "),
  );
const listOf = (alias: string, columns: readonly CellColumn[]) =>
  sql.raw(columns.map((column) => `${alias}.${column}`).join(", "));

/** The hour at which the stretch of time begins that an hour is in. */
export function startOf(step: Span | undefined, hour: RawBuilder<unknown>): RawBuilder<unknown> {
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

/**
 * Common table expressions of `tail`, entries that are not in the sums yet, and of `cell`, all that is summed: account, `id`, places and
 * some columns. PostgreSQL copies each row of a union with all of its columns: with those that nobody reads a page of 20,000 names took
 * three times as long to rank.
 */
export function cellsOf(
  { query, cover, from }: Source,
  columns: readonly CellColumn[],
  places: Places,
): RawBuilder<unknown> {
  const { id, join } = groupings[query.by];
  const entryHour = sql`floor(extract(epoch from e.created_at) / 3600)::integer`;
  return sql`tail as materialized (${tailOf(query, from, columns)}),
    entries as (${entriesOf(query, cover, columns)}),
    cell as (
      ${sumsOf(query, cover, columns, places)}
      union all
      select e.account_id, ${id} as id, ${places.entry(entryHour)}, ${listOf("e", columns)} from entries e ${join}
    )`;
}

const ofAccount = ({ accountId }: UsageQuery) => (accountId === 0n ? sql`` : sql`and l.account_id = ${accountId}`);

/** The entries that are not in the sums yet. */
function tailOf({ accountId, by }: UsageQuery, from: Date, columns: readonly CellColumn[]): RawBuilder<unknown> {
  const { marks } = groupings[by];
  if (accountId === 0n) {
    return sql`select ${entryOf(columns)}
      from billing.ledger l left join ${marks} f on f.account_id = l.account_id
      where l.created_at >= ${from} and l.seq > coalesce(f.folded_seq, 0)`;
  }
  return sql`select ${entryOf(columns)} from billing.ledger l
    where l.account_id = ${accountId} and l.created_at >= ${from}
      and l.seq > coalesce((select f.folded_seq from ${marks} f where f.account_id = ${accountId}), 0)`;
}

/** Entries that count beside the sums: those that are not in them yet, and those of the edges. */
function entriesOf(
  query: UsageQuery,
  { edges, fromHour, toHour }: Cover,
  columns: readonly CellColumn[],
): RawBuilder<unknown> {
  const hour = (hours: number) => new Date(hours * 3_600_000);
  const unfolded = sql`select * from tail t
    where t.kind in (1, 2) and t.created_at >= ${hour(fromHour)} and t.created_at < ${hour(toHour)}`;
  const ends = edges.map(
    ({ fromMs, toMs }) => sql`select ${entryOf(columns)} from billing.ledger l
      where l.kind in (1, 2) and l.created_at >= ${new Date(fromMs)} and l.created_at < ${new Date(toMs)} ${ofAccount(query)}`,
  );
  return sql.join([unfolded, ...ends], sql` union all `);
}

/** The sums of whole spans, each stretch by itself: joined to a list of them PostgreSQL reads all sums of an account. */
function sumsOf(
  { accountId, by }: UsageQuery,
  { stretches }: Cover,
  columns: readonly CellColumn[],
  places: Places,
): RawBuilder<unknown> {
  const { table, which, together } = groupings[by];
  const every = accountId === 0n && !together;
  const whose = every ? sql`billing.account a join ${table} c on c.account_id = a.account_id` : sql`${table} c`;
  const ofOne = every ? sql`` : sql`and c.account_id = ${accountId}`;
  const cells = (span: Span) => sql`c.account_id, c.id, ${places.kept(span)}, ${listOf("c", columns)}`;
  const selects = stretches.map(
    ({ span, fromHour, toHour }) => sql`select ${cells(span)} from ${whose}
      where ${which} and c.span = ${spanNumbers[span]}::smallint
        and c.starts >= ${fromHour}::integer and c.starts < ${toHour}::integer ${ofOne}`,
  );
  const none = sql`select ${cells("hour")} from ${table} c where false`;
  return sql.join([none, ...selects], sql` union all `);
}
