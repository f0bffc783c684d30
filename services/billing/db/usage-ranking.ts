import { type RawBuilder, sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { fitting, longestHours, mostSumsOf, mostWithin, type NameRank } from "../domain/usage-page.ts";
import type { BillingSchema } from "./schema.ts";
import { cellsOf, mostCounted, type Places, type Source } from "./usage-cells.ts";
import { groupings } from "./usage-groupings.ts";
import type { UsagePage, UsageQuery, UsageSums } from "./usage-query.ts";

/** A name, and under which `id`s it is kept. */
export interface RankedName extends NameRank {
  readonly title: string;
  readonly requests: bigint;
  /** NULL: an `id` is a name, whichever accounts have it. */
  readonly accounts: readonly string[] | null;
  readonly ids: readonly string[];
}

interface RankedRow extends RankedName {
  readonly most: bigint;
  readonly hours: number;
  /** What all names come to, this page and after it. */
  readonly names: bigint;
  readonly all_requests: bigint;
  readonly all_charged: bigint;
}

/**
 * The names of a page, and what those after them come to. By charge alone: sums of everything, of 20,000 end users of whom a page has a
 * hundred, are most of what an answer with all of them costs.
 *
 * @param source may have longer spans than those of the step.
 */
export async function rankNames(
  db: Queryable<BillingSchema>,
  source: Source,
  page: UsagePage,
): Promise<{ readonly ranked: readonly RankedName[]; readonly rest: UsageSums["rest"] }> {
  const { rows } = await sql<RankedRow>`${rankingOf(source, page)}`.execute(db.kysely);
  const { fromMs, toMs, step } = source.query;
  // A running month is kept as a whole, however little of it is asked for.
  const rangeHours = Math.ceil((toMs - fromMs) / 3_600_000) + 1;
  const ranked = fitting(
    rows.map((row) => ({ ...row, sums: mostSumsOf({ ...row, hours: Math.min(row.hours, rangeHours) }, step) })),
    page.mostSums,
  );
  const [first] = rows;
  const last = ranked.at(-1);
  const names = (first?.names ?? 0n) - BigInt(ranked.length);
  if (first === undefined || last === undefined || names === 0n) return { ranked, rest: undefined };
  const rest = {
    last: { charged: last.charged, name: last.name, other: last.other },
    names,
    requests: ranked.reduce((left, row) => left - row.requests, first.all_requests),
    charged: ranked.reduce((left, row) => left - row.charged, first.all_charged),
  };
  return { ranked, rest };
}

/** What tells how many sums a name may have. Of the whole time it has one. */
const sizes = ({ step }: UsageQuery): Places =>
  step === undefined
    ? { kept: () => sql`1 as most`, entry: () => sql`1 as most` }
    : {
        kept: (span) =>
          sql`${sql.lit(mostWithin(span, step))} as most, c.starts as first, c.starts + ${sql.lit(longestHours[span])} as last`,
        entry: (hour) => sql`1 as most, ${hour} as first, ${hour} + 1 as last`,
      };

function rankingOf(source: Source, { limit, after }: UsagePage): RawBuilder<unknown> {
  const { name, title, other, distinct, idType } = groupings[source.query.by];
  const follows =
    after === undefined
      ? sql`true`
      : sql`(-r.charged, r.name, r.other) > (-(${after.charged}::numeric), ${after.name}::text, ${after.other}::boolean)`;
  const size =
    source.query.step === undefined
      ? sql`1::bigint as most, 0 as first, 0 as last`
      : sql`sum(c.most) as most, min(c.first) as first, max(c.last) as last`;
  const sums = sql`sum(c.charged) as charged, sum(c.requests) as requests, ${size} from cell c`;
  const bounded = (column: string) => sql.raw(`least(${column}, ${mostCounted})::bigint`);
  // Names that are one `id` each are not put into groups once more.
  const named = distinct
    ? sql`select ${name} as name, ${other} as other, c.charged, c.requests, c.most, c.first, c.last, null::text[] as accounts, c.id::text as id
        from (select c.id, ${sums} group by c.id) c`
    : sql`select n.name, n.other, sum(n.charged) as charged, sum(n.requests) as requests, sum(n.most)::bigint as most,
          min(n.first) as first, max(n.last) as last, array_agg(n.account_id::text) as accounts, array_agg(n.id::text) as id
        from (select c.*, ${name} as name, ${other} as other
          from (select c.account_id, c.id, ${sums} group by c.account_id, c.id) c) n
        group by n.name, n.other`;
  return sql`
    with ${cellsOf(source, ["charged", "requests"], sizes(source.query))},
    named as (${named}),
    ranked as (select n.name, n.other, n.accounts, n.id, n.most, n.last - n.first as hours, ${bounded("n.charged")} as charged, n.requests
      from named n),
    page as (select r.name, r.other, r.charged, ${bounded("r.requests")} as requests, r.most, r.hours, r.accounts,
        ${distinct ? sql`array[r.id]` : sql`r.id`} as ids, count(*) over () as names,
        ${bounded("sum(r.requests) over ()")} as all_requests, ${bounded("sum(r.charged) over ()")} as all_charged
      from ranked r where ${follows} order by r.charged desc, r.name, r.other limit ${limit})
    select p.*, ${title} as title
    from page p cross join lateral (select p.accounts[1]::bigint as account_id, p.ids[1]::${sql.raw(idType)} as id) c
    order by p.charged desc, p.name, p.other`;
}

/** Joins cells (`c`) to the places of their names in a list (`n.nth`). */
export function joinNames({ by }: UsageQuery, names: readonly RankedName[]): RawBuilder<unknown> {
  const { distinct, idType } = groupings[by];
  const type = sql.raw(idType);
  const ids = names.flatMap((name) => name.ids);
  const nths = names.flatMap((name, nth) => name.ids.map(() => nth));
  // The list alone would not be found in the index of the sums.
  const only = sql`c.id = any(${[...new Set(ids)]}::${type}[])`;
  if (distinct) return sql`join unnest(${ids}::${type}[], ${nths}::integer[]) n (id, nth) on n.id = c.id where ${only}`;
  const accounts = names.flatMap((name) => name.accounts ?? []);
  return sql`join unnest(${accounts}::bigint[], ${ids}::${type}[], ${nths}::integer[]) n (account_id, id, nth)
    on n.account_id = c.account_id and n.id = c.id where ${only}`;
}
