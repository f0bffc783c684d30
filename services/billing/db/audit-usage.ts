const parts = [
  "input_tokens",
  "cached_input_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "images",
  "audio_ms",
  "characters",
];
const counted = ["requests", "charged", ...parts];
const hours = (time: string): string => `(extract(epoch from ${time}) / 3600)::integer`;

/**
 * Rows of `usage_sum` that are not the sums of the ledger, or that are missing. They are made anew from every entry that is
 * said to be in them: grouped by the hour first, then placed where each belongs.
 */
export const wrongUsageSums = `
  with entry as (
    select l.account_id, coalesce(l.key_id, 0) as key_id, coalesce(l.tariff_id, 0) as tariff_id,
      date_trunc('hour', l.created_at, 'UTC') as hour, -l.amount as charged, l.estimated,
      ${parts.map((part) => `coalesce(l.${part}, 0) as ${part}`).join(", ")},
      case when l.kind = 2 or l.reason <> 'late' then 1
           when exists (select from billing.ledger r where r.entry_id = l.entry_id and r.kind = 2) then 0
           else 1 end as requests
    from billing.ledger l join billing.usage_fold f on f.account_id = l.account_id and l.seq <= f.folded_seq
    where l.kind in (1, 2)
  ), base as materialized (
    select account_id, key_id, tariff_id, hour, ${hours("hour")} as in_hour, ${hours("date_trunc('day', hour, 'UTC')")} as in_day,
      ${hours("date_trunc('month', hour, 'UTC')")} as in_month,
      ${counted.map((column) => `sum(${column}) as ${column}`).join(", ")}, bool_or(estimated) as estimated
    from entry group by account_id, key_id, tariff_id, hour
  ), rightful as (
    select case when o.everybody then 0 else b.account_id end as account_id, p.detail, p.span, p.starts, p.id,
      ${counted.map((column) => `sum(b.${column}) as ${column}`).join(", ")}, bool_or(b.estimated) as estimated
    from base b
    cross join lateral (values (0, 1, in_hour, 0), (0, 2, in_day, 0),
      (1, 2, in_day, key_id), (1, 3, in_month, key_id),
      (2, 1, in_hour, tariff_id), (2, 2, in_day, tariff_id), (2, 3, in_month, tariff_id)) p (detail, span, starts, id)
    cross join (values (false), (true)) o (everybody)
    where p.detail <> 1 or not o.everybody
    group by 1, 2, 3, 4, 5
  )
  select format('account %s detail %s span %s hour %s id %s: %s requests and %s charged, should be %s and %s',
    account_id, detail, span, starts, id, s.requests, s.charged, r.requests, r.charged)
  from rightful r full join billing.usage_sum s using (account_id, detail, span, starts, id)
  where (${counted.map((column) => `r.${column}`).join(", ")}, r.estimated)
    is distinct from (${counted.map((column) => `s.${column}::numeric`).join(", ")}, s.estimated)
  union all
  select format('account %s: entry %s is said to be in the sums, its ledger has %s', f.account_id, f.folded_seq, coalesce(a.ledger_seq, 0))
  from billing.usage_fold f left join billing.account a on a.account_id = f.account_id
  where f.folded_seq > coalesce(a.ledger_seq, 0)`;
