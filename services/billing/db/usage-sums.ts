import { type RawBuilder, sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { Span } from "../domain/usage-cover.ts";
import type { BillingSchema } from "./schema.ts";
import { cellsOf, counted, mostCounted, type Source, startOf } from "./usage-cells.ts";
import { groupings } from "./usage-groupings.ts";
import type { UsageQuery, UsageSumRow } from "./usage-query.ts";
import { joinNames, type RankedName } from "./usage-ranking.ts";

/** Rows of one answer; one more says that there are more. */
export const mostRows = 50_000;

const sums = counted.map((column) => `least(sum(c.${column}), ${mostCounted})::bigint as ${column}`).join(", ");
const nothing = counted.slice(1).map(() => "0");

/** A sum whose name stands in a list; NULL: it counts entries that were not found. */
type NumberedRow = Omit<UsageSumRow, "name" | "title" | "other"> & { readonly nth: number | null };

/** Sums by the day, in the order of time. Undefined where entries that are not in the sums yet were not all found. */
export async function readDays(db: Queryable<BillingSchema>, source: Source): Promise<UsageSumRow[] | undefined> {
  const rows = await readSums(db, source, sql`cross join (select 0 as nth) n`);
  return rows?.map(({ nth: _, ...row }) => {
    const name = new Date(row.starts * 3_600_000).toISOString().slice(0, 10);
    return { ...row, name, title: "", other: false };
  });
}

/**
 * Sums of names in their order, each by time. The names are put to them here: looked up for each of the sums that make them up, they
 * took most of the time of a page by model and hour.
 */
export async function readNames(
  db: Queryable<BillingSchema>,
  source: Source,
  names: readonly RankedName[],
): Promise<UsageSumRow[] | undefined> {
  const rows = await readSums(db, source, joinNames(source.query, names));
  return rows?.flatMap(({ nth, ...row }) => {
    const named = names[nth ?? -1];
    return named === undefined ? [] : { ...row, name: named.name, title: named.title, other: named.other };
  });
}

async function readSums(
  db: Queryable<BillingSchema>,
  source: Source,
  numbered: RawBuilder<unknown>,
): Promise<NumberedRow[] | undefined> {
  const { query } = source;
  const places = {
    kept: (span: Span) => (span === query.step ? sql`c.starts` : sql`${startOf(query.step, sql`c.starts`)} as starts`),
    entry: (hour: RawBuilder<unknown>) => sql`${startOf(query.step, hour)} as starts`,
  };
  const { rows } = await sql<NumberedRow>`
    with ${cellsOf(source, [...counted, "more", "estimated"], places)},
    part as (
      select n.nth, c.starts, ${sql.raw(sums)}, billing.sum_more(c.more) as more, bool_or(c.estimated) as estimated
      from cell c ${numbered} group by 1, 2
    )
    select p.nth, p.starts, ${sql.raw(counted.map((column) => `p.${column}`).join(", "))}, ${digits} as more, p.estimated from part p
    union all
    select null, 0, ${pendingOf(query)} - (select count(*) from tail), ${sql.raw(nothing.join(", "))}, null, false
    order by 1, 2 limit ${mostRows + 1}`.execute(db.kysely);
  const missing = rows.find(({ nth }) => nth === null)?.requests ?? 0n;
  return missing === 0n ? rows.filter(({ nth }) => nth !== null) : undefined;
}

/** Sums of further units as digits: as numbers of JSON those beyond 2^53 would not be exact. */
const digits = sql`case when p.more is null then null else (select jsonb_object_agg(m.key, m.value) from jsonb_each_text(p.more) m) end`;

/** How many entries are not in the sums yet, by the accounts' own numbers. */
function pendingOf({ accountId, by }: UsageQuery): RawBuilder<unknown> {
  const whose = accountId === 0n ? sql`` : sql`where a.account_id = ${accountId}`;
  return sql`(select coalesce(sum(a.ledger_seq - coalesce(f.folded_seq, 0)), 0)::bigint
    from billing.account a left join ${groupings[by].marks} f on f.account_id = a.account_id ${whose})`;
}
