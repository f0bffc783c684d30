import { type RawBuilder, sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { fitting, mostSumsOf, type NameRank } from "../domain/usage-page.ts";
import type { BillingSchema } from "./schema.ts";
import { cellsOf, mostCounted, type Source } from "./usage-cells.ts";
import { groupings } from "./usage-groupings.ts";
import type { UsagePage, UsageQuery, UsageSums } from "./usage-query.ts";

/** A name, and under which `id`s it is kept. */
interface RankedName extends NameRank {
  readonly requests: bigint;
  /** NULL: an `id` is a name, whichever accounts have it. */
  readonly accounts: readonly string[] | null;
  readonly ids: readonly string[];
}

interface RankedRow extends RankedName {
  /** Kept sums that make it up, and the hours between the starts of the first and the last of them. */
  readonly cells: bigint;
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
 * @param source of the ranking: its stretches may be longer than those that are asked for.
 */
export async function rankNames(
  db: Queryable<BillingSchema>,
  source: Source,
  { step }: UsageQuery,
  page: UsagePage,
): Promise<{ readonly ranked: readonly RankedName[]; readonly rest: UsageSums["rest"] }> {
  const { rows } = await sql<RankedRow>`${rankingOf(source, page)}`.execute(db.kysely);
  const ranked = fitting(
    rows.map((row) => ({ ...row, sums: mostSumsOf(row, source.query.step, step) })),
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

function rankingOf(source: Source, { limit, after }: UsagePage): RawBuilder<unknown> {
  const { name, other, distinct } = groupings[source.query.by];
  const follows =
    after === undefined
      ? sql`true`
      : sql`(-r.charged, r.name, r.other) > (-(${after.charged}::numeric), ${after.name}::text, ${after.other}::boolean)`;
  const size =
    source.query.step === undefined
      ? sql`1::bigint as cells, 0 as first, 0 as last`
      : sql`count(*) as cells, min(c.starts) as first, max(c.starts) as last`;
  const sums = sql`sum(c.charged) as charged, sum(c.requests) as requests, ${size} from cell c`;
  const bounded = (column: string) => sql.raw(`least(${column}, ${mostCounted})::bigint`);
  // Names that are one `id` each are not put into groups once more.
  const named = distinct
    ? sql`select ${name} as name, ${other} as other, c.charged, c.requests, c.cells, c.first, c.last, null::text[] as accounts, c.id::text as id
        from (select c.id, ${sums} group by c.id) c`
    : sql`select n.name, n.other, sum(n.charged) as charged, sum(n.requests) as requests, sum(n.cells)::bigint as cells,
          min(n.first) as first, max(n.last) as last, array_agg(n.account_id::text) as accounts, array_agg(n.id::text) as id
        from (select c.*, ${name} as name, ${other} as other
          from (select c.account_id, c.id, ${sums} group by c.account_id, c.id) c) n
        group by n.name, n.other`;
  return sql`
    with ${cellsOf(source, ["charged", "requests"])},
    named as (${named}),
    ranked as (select n.name, n.other, n.accounts, n.id, n.cells, n.last - n.first as hours, ${bounded("n.charged")} as charged, n.requests
      from named n)
    select r.name, r.other, r.charged, ${bounded("r.requests")} as requests, r.cells, r.hours, r.accounts,
      ${distinct ? sql`array[r.id]` : sql`r.id`} as ids, count(*) over () as names,
      ${bounded("sum(r.requests) over ()")} as all_requests, ${bounded("sum(r.charged) over ()")} as all_charged
    from ranked r where ${follows} order by r.charged desc, r.name, r.other limit ${limit}`;
}

/** Which cells (`c`) are those of some names. */
export function cellsOfNames({ by }: UsageQuery, ranked: readonly RankedName[]): RawBuilder<unknown> {
  const { distinct, idType } = groupings[by];
  const ids = ranked.flatMap((row) => row.ids);
  if (distinct) return sql`c.id = any(${ids}::${sql.raw(idType)}[])`;
  const accounts = ranked.flatMap((row) => row.accounts ?? []);
  return sql`(c.account_id, c.id) in (
    select u.account::bigint, u.id::bigint from unnest(${accounts}::text[], ${ids}::text[]) u (account, id))`;
}
