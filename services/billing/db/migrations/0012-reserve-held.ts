import { type Kysely, sql } from "kysely";
import { hotPath } from "./hot-path.ts";

/**
 * What 0008 made, with one answer more: whether a refusal is for what others merely hold (o_held), which their settlement
 * will give back, or for charges, which stay. Null: nothing was refused so. Among refusals for money those for charges come
 * first, because a client that waits for a settlement would wait in vain.
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
  out o_code integer[], out o_detail bigint[], out o_held boolean[], out o_reserved bigint[],
  out o_expires_ms bigint[], out o_expires_default_ms bigint
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
  a_held numeric[]; a_open bigint[];
  k_held numeric[]; k_open bigint[];
  v_amount numeric;
  v_held boolean;
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
    o_held := array_fill(false, array[cardinality(p_request)]);
    for v_item in
      select i.ord, i.amount,
        dense_rank() over (order by i.account_id) as an, dense_rank() over (order by i.key_id) as kn,
        a.balance::numeric - a.credit_floor as credit, a.reserved, a.open_count, a.concurrent_requests as concurrent,
        a.daily_budget as budget_day, a.monthly_budget as budget_month,
        case when a.day = v_day then a.day_spent else 0 end::numeric as spent_day,
        case when a.month = v_month then a.month_spent else 0 end::numeric as spent_month,
        k.reserved as k_reserved, k.open_count as k_open_count, k.concurrent_requests as k_concurrent,
        k.daily_budget as k_budget_day, k.monthly_budget as k_budget_month,
        case when k.day = v_day then k.day_spent else 0 end::numeric as k_spent_day,
        case when k.month = v_month then k.month_spent else 0 end::numeric as k_spent_month
      from unnest(p_account, p_key, p_amount, o_code) with ordinality as i (account_id, key_id, amount, code, ord)
      join billing.account a on a.account_id = i.account_id
      join billing.key k on k.key_id = i.key_id
      where i.code = 99
      order by i.ord
    loop
      if a_open[v_item.an] is null then
        a_held[v_item.an] := v_item.reserved; a_open[v_item.an] := v_item.open_count;
      end if;
      if k_open[v_item.kn] is null then
        k_held[v_item.kn] := v_item.k_reserved; k_open[v_item.kn] := v_item.k_open_count;
      end if;
      v_amount := v_item.amount;
      -- First what no settlement can change: the charges alone leave too little. Then what is held by others for now.
      o_code[v_item.ord] := case
        when v_item.k_concurrent > 0 and k_open[v_item.kn] >= v_item.k_concurrent then 35
        when v_item.concurrent > 0 and a_open[v_item.an] >= v_item.concurrent then 36
        when v_amount = 0 then 0
        when v_item.k_budget_day > 0 and v_item.k_spent_day + v_amount > v_item.k_budget_day then 31
        when v_item.k_budget_month > 0 and v_item.k_spent_month + v_amount > v_item.k_budget_month then 32
        when v_item.budget_day > 0 and v_item.spent_day + v_amount > v_item.budget_day then 33
        when v_item.budget_month > 0 and v_item.spent_month + v_amount > v_item.budget_month then 34
        when v_amount > v_item.credit then 30
        else 0 end;
      v_held := o_code[v_item.ord] in (35, 36);
      if o_code[v_item.ord] = 0 and v_amount > 0 then
        o_code[v_item.ord] := case
          when v_item.k_budget_day > 0 and v_item.k_spent_day + k_held[v_item.kn] + v_amount > v_item.k_budget_day then 31
          when v_item.k_budget_month > 0 and v_item.k_spent_month + k_held[v_item.kn] + v_amount > v_item.k_budget_month then 32
          when v_item.budget_day > 0 and v_item.spent_day + a_held[v_item.an] + v_amount > v_item.budget_day then 33
          when v_item.budget_month > 0 and v_item.spent_month + a_held[v_item.an] + v_amount > v_item.budget_month then 34
          when v_amount > v_item.credit - a_held[v_item.an] then 30
          else 0 end;
        v_held := o_code[v_item.ord] <> 0;
      end if;
      if o_code[v_item.ord] = 0 then
        a_held[v_item.an] := a_held[v_item.an] + v_amount; a_open[v_item.an] := a_open[v_item.an] + 1;
        k_held[v_item.kn] := k_held[v_item.kn] + v_amount; k_open[v_item.kn] := k_open[v_item.kn] + 1;
      else
        o_held[v_item.ord] := v_held;
        o_detail[v_item.ord] := case o_code[v_item.ord]
          when 30 then v_item.credit - a_held[v_item.an] when 31 then v_item.k_budget_day when 32 then v_item.k_budget_month
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

/** What 0010 made, with the same answer more. Whatever is not plain is left to billing.reserve. */
const reserveOne = `
create function billing.reserve_one(
  p_request bigint, p_account bigint, p_key bigint, p_generation integer, p_amount bigint, p_tariff integer,
  p_user text, p_ttl_ms integer,
  out o_code integer[], out o_detail bigint[], out o_held boolean[], out o_reserved bigint[],
  out o_expires_ms bigint[], out o_expires_default_ms bigint
) language plpgsql ${hotPath} as $$
declare
  v_now timestamptz;
  v_expires timestamptz;
  v_day integer;
  v_month integer;
  v_tracked boolean;
begin
  perform 1 from billing.account a where a.account_id = p_account for no key update;
  v_now := clock_timestamp();
  v_day := floor(extract(epoch from v_now) / 86400);
  v_month := extract(year from v_now at time zone 'UTC') * 12 + extract(month from v_now at time zone 'UTC') - 1;
  select k.tracked into v_tracked
  from billing.account a, billing.key k, billing.tariff t
  where a.account_id = p_account and k.key_id = p_key and t.tariff_id = p_tariff
    and a.state <> 2
    and (p_amount = 0 or p_amount <= a.balance - a.reserved - a.credit_floor)
    and (a.concurrent_requests = 0 or a.open_count < a.concurrent_requests)
    and (a.daily_budget = 0
         or p_amount <= a.daily_budget - a.reserved - case when a.day = v_day then a.day_spent else 0 end)
    and (a.monthly_budget = 0
         or p_amount <= a.monthly_budget - a.reserved - case when a.month = v_month then a.month_spent else 0 end)
    and k.account_id = p_account and k.revoked_at is null and k.kind <> 4
    and (k.expires_at is null or k.expires_at > v_now)
    and p_generation in (0, k.generation)
    and (t.module = any (k.scopes) or '*' = any (k.scopes))
    and (cardinality(k.allowed_models) = 0 or t.model = any (k.allowed_models))
    and (not k.tracked
         or (k.concurrent_requests = 0 or k.open_count < k.concurrent_requests)
        and (k.daily_budget = 0
             or p_amount <= k.daily_budget - k.reserved - case when k.day = v_day then k.day_spent else 0 end)
        and (k.monthly_budget = 0
             or p_amount <= k.monthly_budget - k.reserved - case when k.month = v_month then k.month_spent else 0 end))
    and not exists (select from billing.reservation r where r.request_id = p_request)
    and not exists (select from billing.ledger l where l.entry_id = p_request and l.kind in (1, 2));
  if not found then
    select r.o_code, r.o_detail, r.o_held, r.o_reserved, r.o_expires_ms, r.o_expires_default_ms
    into o_code, o_detail, o_held, o_reserved, o_expires_ms, o_expires_default_ms
    from billing.reserve(array[p_request], array[p_account], array[p_key], array[p_generation], array[p_amount],
      array[p_tariff], array[p_user], null, null, p_ttl_ms) r;
    return;
  end if;
  v_expires := v_now + p_ttl_ms * interval '1 millisecond';
  insert into billing.reservation
    (request_id, account_id, key_id, amount, expires_at, created_at, tariff_id, idempotent, user_id)
  values (p_request, p_account, p_key, p_amount, v_expires, v_now, p_tariff, false, p_user);
  update billing.account a set reserved = a.reserved + p_amount, open_count = a.open_count + 1
  where a.account_id = p_account;
  if v_tracked then
    update billing.key k set reserved = k.reserved + p_amount, open_count = k.open_count + 1 where k.key_id = p_key;
  end if;
  o_code := '{0}';
  o_detail := '{null}';
  o_expires_default_ms := floor(extract(epoch from v_expires) * 1000);
end $$`;

/** A function that answers more is made anew; code from before this does not read what it does not know. */
const replaced = [
  "drop function billing.reserve_one(bigint, bigint, bigint, integer, bigint, integer, text, integer)",
  `drop function billing.reserve(
     bigint[], bigint[], bigint[], integer[], bigint[], integer[], text[], bytea[], bytea[], integer)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...replaced, reserve, reserveOne]) await sql.raw(statement).execute(db);
}
