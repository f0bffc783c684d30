import { usageColumns } from "../columns.ts";
import { type Fold, foldStatement, ofAll, ofTheLastMinute, sums } from "./0012-fold.ts";
import { placeUsage, usageFold } from "./0012-list-prices.ts";
import { labelFold, placeLabels } from "./0016-label-fold.ts";
import { statements } from "./statements.ts";

/** How entries are added up first, before their sums are placed. */
interface Grouping {
  /** Name of what it makes, for what follows. */
  readonly name: string;
  /** By what entries differ, beside their account. */
  readonly by: readonly string[];
  /** What is made of each group beside its sums. */
  readonly also: string;
  /** Common table expressions that add it to the sums. */
  readonly place: string;
}

/** Adds all entries that are not in the sums, where these are no more than the limit and those of each account lie in the order of time. */
const addAll = ({ marks }: Fold, { name, by, also, place }: Grouping): string => `
  with pending as (
    select a.account_id, coalesce(f.folded_seq, 0) as folded_seq, coalesce(f.folded_at, '-infinity') as folded_at,
      a.ledger_seq - coalesce(f.folded_seq, 0) as entries
    from billing.account a left join ${marks} f on f.account_id = a.account_id
    where a.ledger_seq > coalesce(f.folded_seq, 0)
  ), total as materialized (
    select coalesce(sum(p.entries), 0) as entries from pending p
  ), added_up as materialized (
    select p.account_id, p.entries as wanted, n.counts, ${by.map((column) => `n.${column}`).join(", ")}, count(*) as entries, max(n.seq) as last_seq,
      max(n.created_at) as last_at, ${also}${sums("n")}
    from pending p cross join lateral (
      select l.seq, l.created_at, l.kind in (1, 2) as counts,
        floor(date_part('epoch', l.created_at) / 3600)::integer as hour, coalesce(l.key_id, 0) as key_id,
        coalesce(l.tariff_id, 0) as tariff_id, coalesce(l.end_user, l.user_id, '') as end_user, l.tags,
        case when l.kind = 1 and l.reason = 'late' and exists (
          select from billing.ledger r where r.entry_id = l.entry_id and r.kind = 2) then 0 else 1 end as requests,
        -l.amount as charged, (l.list_price is not null)::integer as listed,
        case when l.list_price is null then 0 else -l.amount end as listed_charged, coalesce(l.list_price, 0) as list_price,
        ${usageColumns.map((column) => `coalesce(l.${column}, 0) as ${column}`).join(", ")}, l.more, l.estimated
      from billing.ledger l
      where l.account_id = p.account_id and l.seq > p.folded_seq and l.created_at >= p.folded_at - interval '1 second'
      offset 0
    ) n
    where (select t.entries from total t) <= p_limit
    group by p.account_id, p.entries, n.counts, ${by.map((column) => `n.${column}`).join(", ")}
  ), whole as materialized (
    select u.account_id, max(u.last_seq) as last_seq, max(u.last_at) as last_at, sum(u.entries) as entries
    from added_up u group by u.account_id, u.wanted having sum(u.entries) = u.wanted
  ), ${name} as materialized (
    select u.* from added_up u where u.counts and u.account_id in (select w.account_id from whole w)
  ), ${place}, marked as (
    insert into ${marks} as f (account_id, folded_seq, folded_at)
    select w.account_id, w.last_seq, w.last_at from whole w
    on conflict (account_id) do update set folded_seq = excluded.folded_seq, folded_at = excluded.folded_at
  )
  select (select coalesce(sum(w.entries), 0) from whole w), (select t.entries from total t) into o_folded, v_pending;`;

/**
 * What the function of 0012 does, which looks through a minute below the last entry's time, for times may differ from numbers: of 5,000
 * requests a second each call read 300,000 entries that were in the sums. Nearly always the next entries are those of the last second
 * that have higher numbers, which their count shows; then all are added up as they are read: 5,000 of them, in the minute of
 * such a load, take 7 ms of CPU in place of 40, and after a rest 7 in place of 16. An account of which the count is not what it must be, and more entries than the
 * limit, are left to the statements of before.
 */
function foldFunction(fold: Fold, grouping: Grouping): string {
  return `
create or replace function ${fold.name}(p_limit integer, out o_folded bigint, out o_more boolean) language plpgsql as $$
declare
  v_began timestamptz;
  v_pending numeric;
  v_added bigint;
begin
  o_folded := 0;
  o_more := false;
  if not pg_try_advisory_xact_lock(hashtextextended('${fold.lock}', 0)) then
    return;
  end if;
  v_began := clock_timestamp();
  ${addAll(fold, grouping)}
  if v_pending > o_folded then
    v_added := o_folded;
    ${foldStatement(fold, ...ofTheLastMinute)}
    o_folded := o_folded + v_added;
    v_pending := v_pending + v_added;
  end if;
  if o_folded = 0 and v_pending > 0 then
    ${foldStatement(fold, ...ofAll)}
  end if;
  o_more := v_pending > o_folded;
  if not o_more then
    update billing.job set position = v_began where name = '${fold.job}' and position < v_began;
  end if;
end $$`;
}

/** Sums that are kept without reading a minute again. */
export const foldTheLast = statements(
  foldFunction(usageFold, { name: "base", by: ["hour", "key_id", "tariff_id"], also: "", place: placeUsage }),
  foldFunction(labelFold, {
    ...{ name: "alike", by: ["hour", "end_user", "tags"], also: "min(n.seq) as first, ", place: placeLabels },
  }),
);
