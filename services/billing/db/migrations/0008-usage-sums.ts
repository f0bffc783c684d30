import { usageColumns } from "../columns.ts";
import { statements } from "./statements.ts";

const counted = ["requests", "charged", ...usageColumns];
const most = "9223372036854775807";

/**
 * Sums of the ledger, so that a sum over a year need not read each of its entries.
 *
 * `account_id` 0 stands for all accounts; `detail` is 0 for a whole, 1 by key, 2 by tariff, whose ID is in `id`; `span` is 1
 * for an hour, 2 for a day, 3 for a month; `starts` counts hours from 1970-01-01, UTC. Wholes are not kept by the month and
 * keys not for all accounts, because nothing reads these; and keys not by the hour: a thousand keys that are used now and
 * then would have as many hours as there are entries (2.5 million rows for 2.6 million entries).
 */
const tables = [
  `create table billing.usage_sum (
     account_id bigint not null,
     detail smallint not null,
     span smallint not null,
     starts integer not null,
     id bigint not null,
     ${counted.map((column) => `${column} bigint not null`).join(", ")},
     more jsonb,
     estimated boolean not null,
     primary key (account_id, detail, span, starts, id)
   ) with (fillfactor = 70)`,
  // Up to which of its entries an account's ledger is in the sums, and when that entry was made. A table of its own, for
  // the account's row is locked by whoever moves money.
  `create table billing.usage_fold (
     account_id bigint primary key,
     folded_seq bigint not null,
     folded_at timestamptz not null
   ) with (fillfactor = 50)`,
  // Its position is a time from before which no entry is missing in the sums.
  "insert into billing.job values ('usage', '-infinity', '', '-infinity')",
  "grant select, insert, update on billing.usage_sum, billing.usage_fold to throughline_billing",
];

/**
 * Adds the next entries of some accounts to the sums. An account's entries are numbered without a gap and become visible
 * in that order, so a number tells what is in the sums, and nothing is counted twice or left out, whoever dies. `found`
 * says how the entries are looked for: by their time, where there is an index, or, after a clock stepped back, in all of
 * the account's ledger.
 *
 * A late charge beside its release is one request.
 */
const fold = (due: string, found: string): string => `
  with pending as (
    select a.account_id, coalesce(f.folded_seq, 0) as folded_seq, coalesce(f.folded_at, '-infinity') as folded_at,
      a.ledger_seq - coalesce(f.folded_seq, 0) as entries
    from billing.account a left join billing.usage_fold f on f.account_id = a.account_id
    where a.ledger_seq > coalesce(f.folded_seq, 0)
  ), due as materialized (
    ${due}
  ), found as materialized (
    select l.*, row_number() over (partition by l.account_id order by l.seq) as nth
    from due d cross join lateral (
      select l.entry_id, l.account_id, l.seq, l.kind, -l.amount as charged, l.created_at, l.reason, l.estimated,
        coalesce(l.key_id, 0) as key_id, coalesce(l.tariff_id, 0) as tariff_id, ${usageColumns.map((column) => `l.${column}`).join(", ")}, l.more
      from billing.ledger l where l.account_id = d.account_id and l.seq > d.folded_seq and ${found} limit d.entries
    ) l
  ), next as materialized (
    select f.* from found f join due d on d.account_id = f.account_id where f.seq = d.folded_seq + f.nth
  ), base as materialized (
    select n.account_id, floor(extract(epoch from n.created_at) / 3600)::integer as hour, n.key_id, n.tariff_id,
      count(*) filter (where not (n.kind = 1 and n.reason = 'late' and exists (
        select from billing.ledger r where r.entry_id = n.entry_id and r.kind = 2))) as requests,
      ${["charged", ...usageColumns].map((column) => `coalesce(sum(n.${column}), 0) as ${column}`).join(", ")},
      billing.sum_more(n.more) as more, bool_or(n.estimated) as estimated
    from next n where n.kind in (1, 2) group by 1, 2, 3, 4
  ), placed as (
    select case when everybody then 0 else b.account_id end as account_id, p.detail, p.span, p.starts, p.id,
      ${counted.map((column) => `least(sum(b.${column}), ${most})::bigint as ${column}`).join(", ")},
      billing.sum_more(b.more) as more, bool_or(b.estimated) as estimated
    from (select base.*, base.hour / 24 * 24 as day, (extract(epoch from
            date_trunc('month', to_timestamp(base.hour * 3600.0), 'UTC')) / 3600)::integer as month from base) b
    cross join lateral (values (0, 1, b.hour, 0), (0, 2, b.day, 0),
      (1, 2, b.day, b.key_id), (1, 3, b.month, b.key_id),
      (2, 1, b.hour, b.tariff_id), (2, 2, b.day, b.tariff_id), (2, 3, b.month, b.tariff_id)) p (detail, span, starts, id)
    cross join (values (false), (true)) e (everybody)
    where not (everybody and p.detail = 1)
    group by 1, 2, 3, 4, 5
  ), added as (
    insert into billing.usage_sum as s (account_id, detail, span, starts, id, ${counted.join(", ")}, more, estimated)
    select account_id, detail, span, starts, id, ${counted.join(", ")}, more, estimated from placed
    on conflict (account_id, detail, span, starts, id) do update set
      ${counted.map((column) => `${column} = least(s.${column}::numeric + excluded.${column}, ${most})::bigint`).join(", ")},
      more = coalesce(billing.add_more(s.more, excluded.more), s.more, excluded.more),
      estimated = s.estimated or excluded.estimated
  ), marked as (
    insert into billing.usage_fold as f (account_id, folded_seq, folded_at)
    select n.account_id, max(n.seq), (array_agg(n.created_at order by n.seq desc))[1] from next n group by n.account_id
    on conflict (account_id) do update set folded_seq = excluded.folded_seq, folded_at = excluded.folded_at
  )
  select (select count(*) from next), (select coalesce(sum(entries), 0) from pending) into o_folded, v_pending;`;

/**
 * Adds at most p_limit entries to the sums and answers how many it added and whether there are more. One replica does so at
 * a time. A minute below the last entry's time is looked through, for times may differ from numbers by a little.
 */
const foldUsage = `
create function billing.fold_usage(p_limit integer, out o_folded bigint, out o_more boolean) language plpgsql as $$
declare
  v_began timestamptz;
  v_pending numeric;
begin
  o_folded := 0;
  o_more := false;
  if not pg_try_advisory_xact_lock(hashtextextended('billing usage fold', 0)) then
    return;
  end if;
  v_began := clock_timestamp();
  ${fold(
    `select p.account_id, p.folded_seq, p.folded_at, least(p.entries, p_limit) as entries
     from (select q.*, sum(q.entries) over (order by q.account_id) - q.entries as before from pending q) p
     where p.before < p_limit`,
    "l.created_at >= d.folded_at - interval '1 minute' order by l.created_at, l.seq",
  )}
  if o_folded = 0 and v_pending > 0 then
    ${fold(
      "select p.account_id, p.folded_seq, p.folded_at, least(p.entries, p_limit) as entries from pending p order by p.account_id limit 1",
      "true order by l.seq",
    )}
  end if;
  o_more := v_pending > o_folded;
  if not o_more then
    update billing.job set position = v_began where name = 'usage' and position < v_began;
  end if;
end $$`;

/** Sums of further units, unit by unit. NULL, which most usages have, is passed over without a call. */
const sumMore = [
  `create function billing.add_more(p_one jsonb, p_other jsonb) returns jsonb language sql immutable strict parallel safe
   return (select jsonb_object_agg(s.unit, s.amount) from (
     select m.key as unit, sum(m.value::numeric) as amount
     from (select * from jsonb_each(p_one) union all select * from jsonb_each(p_other)) m group by m.key) s)`,
  `create aggregate billing.sum_more(jsonb) (
     sfunc = billing.add_more, stype = jsonb, combinefunc = billing.add_more, parallel = safe)`,
];

/** Sums of usage, and what keeps them. */
export const createUsageSums = statements(...tables, ...sumMore, foldUsage);
