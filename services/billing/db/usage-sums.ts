import { type RawBuilder, sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";
import { cellsOf, counted, mostCounted, type Source } from "./usage-cells.ts";
import { groupings } from "./usage-groupings.ts";
import type { UsageQuery, UsageSumRow } from "./usage-query.ts";

/** Rows of one answer; one more says that there are more. */
export const mostRows = 50_000;

const sums = counted.map((column) => `least(sum(c.${column}), ${mostCounted})::bigint as ${column}`).join(", ");
const nothing = counted.slice(1).map(() => "0");

/** Sums of further units as digits: as numbers of JSON those beyond 2^53 would not be exact. */
const digitsOf = (more: RawBuilder<unknown>) =>
  sql`case when ${more} is null then null else (select jsonb_object_agg(m.key, m.value) from jsonb_each_text(${more}) m) end as more`;

/**
 * Sums what `only` says of a cell (`c`), by name and time. Undefined where entries that are not in the sums yet were not all found.
 */
export async function readSums(
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
    with ${cellsOf(source, [...counted, "more", "estimated"])},
    part as (
      select ${apart}, c.starts, ${sql.raw(sums)}, billing.sum_more(c.more) as more, bool_or(c.estimated) as estimated
      from cell c where ${only} group by ${apart}, c.starts
    )
    select ${name} as name, ${title} as title, ${other} as other, c.starts, ${byName}
    union all
    select null, '', false, 0, ${pendingOf(query)} - (select count(*) from tail), ${sql.raw(nothing.join(", "))}, null, false
    order by 1, 4, 3 limit ${mostRows + 1}`.execute(db.kysely);
  const missing = rows.find((row) => row.name === null)?.requests ?? 0n;
  return missing === 0n ? rows.filter((row): row is UsageSumRow => row.name !== null) : undefined;
}

/** How many entries are not in the sums yet, by the accounts' own numbers. */
function pendingOf({ accountId, by }: UsageQuery): RawBuilder<unknown> {
  const whose = accountId === 0n ? sql`` : sql`where a.account_id = ${accountId}`;
  return sql`(select coalesce(sum(a.ledger_seq - coalesce(f.folded_seq, 0)), 0)::bigint
    from billing.account a left join ${groupings[by].marks} f on f.account_id = a.account_id ${whose})`;
}
