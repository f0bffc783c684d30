import { type Kysely, sql } from "kysely";
import { hotPath } from "./hot-path.ts";

/**
 * What 0004 made, with one parameter more: the generation of the secret that each caller showed. The function of 0004
 * stays for code from before this, which runs beside it during a rollout.
 *
 * One call reserves for a whole batch. The accounts are locked in the order of their IDs, after which each statement
 * sees what the others committed. Codes: see domain/verdict.ts. The common case (all that an account or key asks for
 * fits) is decided set by set; only the items of an account or key that is short go through the loop, in their order, so
 * that a large one that is refused does not stand in the way of smaller ones after it.
 *
 * No request ID and no (account, idempotency key) may appear twice in one call.
 */
const reserve = `
create function billing.reserve(
  p_request bigint[], p_account bigint[], p_key bigint[], p_generation integer[], p_amount bigint[], p_tariff integer[],
  p_user text[], p_idem bytea[], p_digest bytea[], p_ttl_ms integer,
  out o_code integer[], out o_detail bigint[], out o_reserved bigint[], out o_expires_ms bigint[],
  out o_expires_default_ms bigint
) language plpgsql ${hotPath} as $$
declare
  v_now timestamptz;
  v_expires timestamptz;
  v_day integer;
  v_month integer;
  v_low bigint;
  v_high bigint;
  v_tight boolean;
  v_repeated boolean;
  v_tracked boolean;
  v_item record;
  a_free numeric[]; a_open bigint[]; a_day numeric[]; a_month numeric[];
  k_open bigint[]; k_day numeric[]; k_month numeric[];
  v_amount numeric;
begin
  perform 1 from billing.account a where a.account_id = any (p_account) order by a.account_id for no key update;
  v_now := clock_timestamp();
  v_expires := v_now + p_ttl_ms * interval '1 millisecond';
  o_expires_default_ms := floor(extract(epoch from v_expires) * 1000);
  -- What day_of and month_of say; as calls each would be set up anew, with every batch.
  v_day := floor(extract(epoch from v_now) / 86400);
  v_month := extract(year from v_now at time zone 'UTC') * 12 + extract(month from v_now at time zone 'UTC') - 1;
  select min(r), max(r) into v_low, v_high from unnest(p_request) r;

  select array_agg(d.code), array_agg(d.detail), bool_or(d.code = 99), bool_or(d.code = 1), bool_or(d.tracked)
  into o_code, o_detail, v_tight, v_repeated, v_tracked
  from (
    select c.tracked,
      case when c.code <> 0 then c.code
           when (c.amount = 0 or sum(c.asked) over by_account <= c.free)
            and (c.concurrent = 0 or c.open_count + count(c.asked) over by_account <= c.concurrent)
            and (c.budget_day = 0 or c.spent_day + sum(c.asked) over by_account <= c.budget_day)
            and (c.budget_month = 0 or c.spent_month + sum(c.asked) over by_account <= c.budget_month)
            and (not c.tracked or (
                  (c.k_concurrent = 0 or c.k_open_count + count(c.asked) over by_key <= c.k_concurrent)
              and (c.k_budget_day = 0 or c.k_spent_day + sum(c.asked) over by_key <= c.k_budget_day)
              and (c.k_budget_month = 0 or c.k_spent_month + sum(c.asked) over by_key <= c.k_budget_month)))
           then 0 else 99 end as code,
      c.detail
    from (
      select v.*, case when v.code = 0 then v.amount end as asked
      from (
        select i.ord, i.account_id, i.key_id, i.amount,
          case when r.request_id is not null then case when r.account_id = i.account_id then 1 else 20 end
               when e.ended then 20
               when k.key_id is null or k.account_id <> i.account_id then 10
               when k.revoked_at is not null then 11
               when i.generation not in (0, k.generation)
                and billing.secret_ended(i.key_id, i.generation, v_now) then 17
               when k.expires_at <= v_now then 12
               when a.state = 2 then 13
               when k.kind = 4 then 14
               when not (t.module = any (k.scopes) or '*' = any (k.scopes)) then 15
               when cardinality(k.allowed_models) > 0 and not (t.model = any (k.allowed_models)) then 16
               when d.request_id is null or not (d.answered or d.locked_until > v_now or o.open is true) then 0
               when d.digest <> i.digest then 22
               when d.answered then 2
               else 21 end as code,
          d.request_id as detail,
          a.balance - a.reserved - a.credit_floor as free,
          a.open_count, a.concurrent_requests as concurrent,
          a.daily_budget as budget_day, a.monthly_budget as budget_month,
          case when a.day = v_day then a.day_spent else 0 end + a.reserved as spent_day,
          case when a.month = v_month then a.month_spent else 0 end + a.reserved as spent_month,
          k.tracked, k.open_count as k_open_count, k.concurrent_requests as k_concurrent,
          k.daily_budget as k_budget_day, k.monthly_budget as k_budget_month,
          case when k.day = v_day then k.day_spent else 0 end + k.reserved as k_spent_day,
          case when k.month = v_month then k.month_spent else 0 end + k.reserved as k_spent_month
        from unnest(p_request, p_account, p_key, p_generation, p_amount, p_tariff, p_idem, p_digest) with ordinality
             as i (request_id, account_id, key_id, generation, amount, tariff_id, idem, digest, ord)
        left join billing.account a on a.account_id = i.account_id
        left join billing.key k on k.key_id = i.key_id
        left join billing.tariff t on t.tariff_id = i.tariff_id
        left join billing.reservation r on r.request_id = i.request_id
        left join billing.idempotency d on d.account_id = i.account_id and d.key_hash = i.idem
          and d.created_at > v_now - interval '24 hours'
        -- With LIMIT, for without it the planner would rather read all that ended between the batch's lowest and highest
        -- ID; these bounds are for the partitions that need not be looked at.
        left join lateral (
          select true as ended from billing.ledger l
          where l.entry_id = i.request_id and l.kind in (1, 2) and l.entry_id between v_low and v_high limit 1) e on true
        left join lateral (
          select true as open from billing.reservation x where x.request_id = d.request_id limit 1) o on true
        -- A fence: pulled up into the outer queries the code would be worked out at each place that names it.
        offset 0
      ) v
    ) c
    window by_account as (partition by c.account_id), by_key as (partition by c.account_id, c.key_id)
    order by c.ord
  ) d;

  if v_tight then
    for v_item in
      select i.ord, i.amount,
        dense_rank() over (order by i.account_id) as an, dense_rank() over (order by i.key_id) as kn,
        a.balance::numeric - a.reserved - a.credit_floor as free, a.open_count, a.concurrent_requests as concurrent,
        a.daily_budget as budget_day, a.monthly_budget as budget_month,
        case when a.day = v_day then a.day_spent else 0 end::numeric + a.reserved as spent_day,
        case when a.month = v_month then a.month_spent else 0 end::numeric + a.reserved as spent_month,
        k.open_count as k_open_count, k.concurrent_requests as k_concurrent,
        k.daily_budget as k_budget_day, k.monthly_budget as k_budget_month,
        case when k.day = v_day then k.day_spent else 0 end::numeric + k.reserved as k_spent_day,
        case when k.month = v_month then k.month_spent else 0 end::numeric + k.reserved as k_spent_month
      from unnest(p_account, p_key, p_amount, o_code) with ordinality as i (account_id, key_id, amount, code, ord)
      join billing.account a on a.account_id = i.account_id
      join billing.key k on k.key_id = i.key_id
      where i.code = 99
      order by i.ord
    loop
      if a_open[v_item.an] is null then
        a_free[v_item.an] := v_item.free; a_open[v_item.an] := v_item.open_count;
        a_day[v_item.an] := v_item.spent_day; a_month[v_item.an] := v_item.spent_month;
      end if;
      if k_open[v_item.kn] is null then
        k_open[v_item.kn] := v_item.k_open_count; k_day[v_item.kn] := v_item.k_spent_day; k_month[v_item.kn] := v_item.k_spent_month;
      end if;
      v_amount := v_item.amount;
      o_code[v_item.ord] := case
        when v_item.k_concurrent > 0 and k_open[v_item.kn] >= v_item.k_concurrent then 35
        when v_item.concurrent > 0 and a_open[v_item.an] >= v_item.concurrent then 36
        when v_amount = 0 then 0
        when v_item.k_budget_day > 0 and k_day[v_item.kn] + v_amount > v_item.k_budget_day then 31
        when v_item.k_budget_month > 0 and k_month[v_item.kn] + v_amount > v_item.k_budget_month then 32
        when v_item.budget_day > 0 and a_day[v_item.an] + v_amount > v_item.budget_day then 33
        when v_item.budget_month > 0 and a_month[v_item.an] + v_amount > v_item.budget_month then 34
        when v_amount > a_free[v_item.an] then 30
        else 0 end;
      if o_code[v_item.ord] = 0 then
        a_free[v_item.an] := a_free[v_item.an] - v_amount; a_open[v_item.an] := a_open[v_item.an] + 1;
        a_day[v_item.an] := a_day[v_item.an] + v_amount; a_month[v_item.an] := a_month[v_item.an] + v_amount;
        k_open[v_item.kn] := k_open[v_item.kn] + 1; k_day[v_item.kn] := k_day[v_item.kn] + v_amount; k_month[v_item.kn] := k_month[v_item.kn] + v_amount;
      else
        o_detail[v_item.ord] := case o_code[v_item.ord]
          when 30 then a_free[v_item.an] when 31 then v_item.k_budget_day when 32 then v_item.k_budget_month
          when 33 then v_item.budget_day when 34 then v_item.budget_month when 35 then v_item.k_concurrent else v_item.concurrent end;
      end if;
    end loop;
  end if;

  with item as materialized (
    select i.* from unnest(p_request, p_account, p_key, p_amount, p_tariff, p_user, p_idem, o_code)
      as i (request_id, account_id, key_id, amount, tariff_id, user_id, idem, code)
    where i.code = 0
  ), opened as (
    insert into billing.reservation
      (request_id, account_id, key_id, amount, expires_at, created_at, tariff_id, idempotent, user_id)
    select request_id, account_id, key_id, amount, v_expires, v_now, tariff_id, idem is not null, user_id from item
  )
  update billing.account a set reserved = a.reserved + s.amount, open_count = a.open_count + s.items
  from (select account_id, sum(amount)::bigint as amount, count(*) as items from item group by account_id) s
  where a.account_id = s.account_id;

  if v_tracked then
    update billing.key k set reserved = k.reserved + s.amount, open_count = k.open_count + s.items
    from (select i.key_id, sum(i.amount)::bigint as amount, count(*) as items
          from unnest(p_key, p_amount, o_code) as i (key_id, amount, code) where i.code = 0 group by i.key_id) s
    where k.key_id = s.key_id and k.tracked;
  end if;

  if p_idem is not null then
    insert into billing.idempotency as d (account_id, key_hash, digest, request_id, created_at, locked_until, answered)
    select i.account_id, i.idem, i.digest, i.request_id, v_now, v_now, false
    from unnest(p_request, p_account, p_idem, p_digest, o_code) as i (request_id, account_id, idem, digest, code)
    where i.code = 0 and i.idem is not null
    on conflict (account_id, key_hash) do update set digest = excluded.digest, request_id = excluded.request_id,
      created_at = excluded.created_at, locked_until = excluded.locked_until, answered = false;
  end if;

  if v_repeated then
    select array_agg(r.amount order by i.ord),
           array_agg(floor(extract(epoch from r.expires_at) * 1000)::bigint order by i.ord)
    into o_reserved, o_expires_ms
    from unnest(p_request, o_code) with ordinality as i (request_id, code, ord)
    left join billing.reservation r on r.request_id = i.request_id and i.code = 1;
  end if;
end $$`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(reserve).execute(db);
}
