import { usageColumns } from "../columns.ts";

/** What is counted of every entry and summed, in the order of the columns. */
export const counted = ["requests", "charged", "listed", "listed_charged", "list_price", ...usageColumns];
const most = "9223372036854775807";

/** Sums of what is counted, in as many digits as they need. */
export const sums = (alias: string): string =>
  [
    ...counted.map((column) => `sum(${alias}.${column}) as ${column}`),
    `billing.sum_more(${alias}.more) as more`,
    `bool_or(${alias}.estimated) as estimated`,
  ].join(", ");

/** What is counted, as far as a column goes. */
export const bounded = (alias: string): string =>
  [
    ...counted.map((column) => `least(${alias}.${column}, ${most})::bigint`),
    `${alias}.more`,
    `${alias}.estimated`,
  ].join(", ");

/** The end of an INSERT that adds to the sums of `table` that are there. */
export const adding = (key: string): string => `on conflict (${key}) do update set
      ${counted.map((column) => `${column} = least(s.${column}::numeric + excluded.${column}, ${most})::bigint`).join(", ")},
      more = coalesce(billing.add_more(s.more, excluded.more), s.more, excluded.more),
      estimated = s.estimated or excluded.estimated`;

/** Sums of one kind, and how far they go. */
export interface Fold {
  /** The function. */
  readonly name: string;
  /** The table that says up to which number an account's entries are in the sums. */
  readonly marks: string;
  /** Name of the advisory lock, and of the row of `job` whose time says before when no entry is missing. */
  readonly lock: string;
  readonly job: string;
  /** Common table expressions that add `next`, the entries that come next, to the sums. */
  readonly add: string;
}

/**
 * Adds the next entries of accounts to sums.
 *
 * @param due the accounts, and how many entries of each.
 * @param found how their entries are looked for.
 */
export const foldStatement = ({ marks, add }: Pick<Fold, "marks" | "add">, due: string, found: string): string => `
  with pending as (
    select a.account_id, coalesce(f.folded_seq, 0) as folded_seq, coalesce(f.folded_at, '-infinity') as folded_at,
      a.ledger_seq - coalesce(f.folded_seq, 0) as entries
    from billing.account a left join ${marks} f on f.account_id = a.account_id
    where a.ledger_seq > coalesce(f.folded_seq, 0)
  ), due as materialized (
    ${due}
  ), found as materialized (
    select l.*, row_number() over (partition by l.account_id order by l.seq) as nth
    from due d cross join lateral (
      select l.* from billing.ledger l where l.account_id = d.account_id and l.seq > d.folded_seq and ${found} limit d.entries
    ) l
  ), next as materialized (
    select f.account_id, f.seq, f.kind, f.created_at, floor(extract(epoch from f.created_at) / 3600)::integer as hour,
      coalesce(f.key_id, 0) as key_id, coalesce(f.tariff_id, 0) as tariff_id, f.end_user, f.user_id, f.tags,
      case when f.kind = 1 and f.reason = 'late' and exists (
        select from billing.ledger r where r.entry_id = f.entry_id and r.kind = 2) then 0 else 1 end as requests,
      -f.amount as charged, (f.list_price is not null)::integer as listed,
      case when f.list_price is null then 0 else -f.amount end as listed_charged, coalesce(f.list_price, 0) as list_price,
      ${usageColumns.map((column) => `coalesce(f.${column}, 0) as ${column}`).join(", ")}, f.more, f.estimated
    from found f join due d on d.account_id = f.account_id where f.seq = d.folded_seq + f.nth
  ), ${add}, marked as (
    insert into ${marks} as f (account_id, folded_seq, folded_at)
    select n.account_id, max(n.seq), (array_agg(n.created_at order by n.seq desc))[1] from next n group by n.account_id
    on conflict (account_id) do update set folded_seq = excluded.folded_seq, folded_at = excluded.folded_at
  )
  select (select count(*) from next), (select coalesce(sum(entries), 0) from pending) into o_folded, v_pending;`;

/** As many entries of as many accounts as the limit says, of times from a minute before that of the last entry in the sums. */
export const ofTheLastMinute = [
  `select p.account_id, p.folded_seq, p.folded_at, least(p.entries, p_limit) as entries
     from (select q.*, sum(q.entries) over (order by q.account_id) - q.entries as before from pending q) p
     where p.before < p_limit`,
  "l.created_at >= d.folded_at - interval '1 minute' order by l.created_at, l.seq",
] as const;

/** Those of one account, of whichever times. */
export const ofAll = [
  "select p.account_id, p.folded_seq, p.folded_at, least(p.entries, p_limit) as entries from pending p order by p.account_id limit 1",
  "true order by l.seq",
] as const;

/**
 * A function that adds the next entries of some accounts to sums. An account's entries are numbered without a gap and become visible
 * in that order, so a number tells what is in the sums, and nothing is counted twice or left out, whoever dies. It answers
 * how many it added and whether there are more. One replica does so at a time. A minute below the last entry's time is looked
 * through, for times may differ from numbers by a little; after a clock stepped back all of an account's ledger.
 *
 * A late charge beside its release is one request.
 */
export function foldFunction({ name, marks, lock, job, add }: Fold): string {
  const fold = (due: string, found: string): string => foldStatement({ marks, add }, due, found);
  return `
create or replace function ${name}(p_limit integer, out o_folded bigint, out o_more boolean) language plpgsql as $$
declare
  v_began timestamptz;
  v_pending numeric;
begin
  o_folded := 0;
  o_more := false;
  if not pg_try_advisory_xact_lock(hashtextextended('${lock}', 0)) then
    return;
  end if;
  v_began := clock_timestamp();
  ${fold(...ofTheLastMinute)}
  if o_folded = 0 and v_pending > 0 then
    ${fold(...ofAll)}
  end if;
  o_more := v_pending > o_folded;
  if not o_more then
    update billing.job set position = v_began where name = '${job}' and position < v_began;
  end if;
end $$`;
}
