import { type Kysely, sql } from "kysely";
import { hotPath } from "./hot-path.ts";

const usageColumns = [
  "input_tokens",
  "cached_input_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "images",
  "audio_ms",
  "characters",
];
const usage = usageColumns.join(", ");
const usageOf = (alias: string): string => usageColumns.map((column) => `${alias}.${column}`).join(", ");

/**
 * One call settles a whole batch: deletes the reservations, enters the ledger and moves the balances, each account once.
 * Items without an open reservation take the loop at the end: a repeat answers what was entered first, and what the
 * sweeper released before is charged late. o_code: 0 settled now, 1 settled before, 2 another account's, 3 by another
 * account's key.
 *
 * No request ID may appear twice in one call.
 */
const settle = `
create function billing.settle(
  p_request bigint[], p_account bigint[], p_kind integer[], p_charge bigint[], p_tariff integer[], p_key bigint[],
  p_user text[], p_reason text[], p_error text[], p_estimated boolean[],
  ${usageColumns.map((column) => `p_${column} bigint[]`).join(", ")},
  p_actor text, p_answer_wait_ms integer,
  out o_code integer[], out o_reserved bigint[], out o_billed bigint[], out o_reason text[]
) language plpgsql ${hotPath} as $$
declare
  v_now timestamptz;
  v_day integer;
  v_month integer;
  v_missing boolean;
  v_tracked boolean;
  v_idempotent boolean;
  v_item record;
  v_charge record;
  v_release record;
  v_account record;
begin
  perform 1 from billing.account a where a.account_id = any (p_account) order by a.account_id for no key update;
  v_now := clock_timestamp();
  v_day := billing.day_of(v_now);
  v_month := billing.month_of(v_now);

  with item as materialized (
    select * from unnest(p_request, p_account, p_kind, p_charge, p_tariff, p_reason, p_error, p_estimated,
                         ${usageColumns.map((column) => `p_${column}`).join(", ")}) with ordinality
      as i (request_id, account_id, kind, charge, tariff_id, reason, error_code, estimated, ${usage}, ord)
  ), gone as (
    delete from billing.reservation r using item i
    where r.request_id = i.request_id and r.account_id = i.account_id
    returning i.ord, i.charge, r.request_id, r.account_id, r.key_id, r.amount, r.tariff_id, r.idempotent, r.user_id
  ), entered as (
    insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, tariff_id,
      kind, estimated, ${usage}, reason, actor, user_id, error_code)
    select g.request_id, g.account_id, a.ledger_seq + row_number() over w, -g.charge, g.amount,
      a.balance - sum(g.charge) over w, v_now, g.key_id, coalesce(i.tariff_id, g.tariff_id),
      i.kind, i.estimated, ${usageOf("i")}, i.reason, p_actor, g.user_id, i.error_code
    from gone g join item i on i.ord = g.ord join billing.account a on a.account_id = g.account_id
    window w as (partition by g.account_id order by g.ord)
  ), moved as (
    update billing.account a set
      balance = a.balance - s.charge, reserved = a.reserved - s.amount, open_count = a.open_count - s.items,
      ledger_seq = a.ledger_seq + s.items,
      day = v_day, day_spent = case when a.day = v_day then a.day_spent else 0 end + s.charge,
      month = v_month, month_spent = case when a.month = v_month then a.month_spent else 0 end + s.charge
    from (select account_id, sum(charge)::bigint as charge, sum(amount)::bigint as amount, count(*) as items
          from gone group by account_id) s
    where a.account_id = s.account_id
  ), counted as (
    update billing.key k set
      reserved = k.reserved - s.amount, open_count = k.open_count - s.items,
      day = v_day, day_spent = case when k.day = v_day then k.day_spent else 0 end + s.charge,
      month = v_month, month_spent = case when k.month = v_month then k.month_spent else 0 end + s.charge
    from (select key_id, sum(charge)::bigint as charge, sum(amount)::bigint as amount, count(*) as items
          from gone group by key_id) s
    where k.key_id = s.key_id and k.tracked
  )
  select array_agg(case when g.ord is null then 9 else 0 end order by i.ord), array_agg(g.amount order by i.ord),
         bool_or(g.ord is null), bool_or(g.idempotent)
  into o_code, o_reserved, v_missing, v_idempotent
  from item i left join gone g on g.ord = i.ord;

  -- A released request's key may be used anew at once; a charged one's waits for its answer to be stored.
  if v_idempotent then
    update billing.idempotency d set locked_until = v_now + p_answer_wait_ms * interval '1 millisecond'
    from unnest(p_request, p_kind) as i (request_id, kind)
    where d.request_id = i.request_id and i.kind = 1 and not d.answered;
  end if;

  if not v_missing then
    return;
  end if;
  o_billed := array_fill(null::bigint, array[cardinality(p_request)]);
  o_reason := array_fill(null::text, array[cardinality(p_request)]);
  for v_item in
    select i.* from unnest(p_request, p_account, p_kind, p_charge, p_tariff, p_key, p_user, p_reason, p_error, p_estimated,
                           ${usageColumns.map((column) => `p_${column}`).join(", ")}, o_code) with ordinality
      as i (request_id, account_id, kind, charge, tariff_id, key_id, user_id, reason, error_code, estimated, ${usage},
            code, ord)
    where i.code = 9 order by i.ord
  loop
    select l.account_id, l.amount, l.reserved, l.reason into v_charge
    from billing.ledger l where l.entry_id = v_item.request_id and l.kind = 1;
    select l.account_id, l.amount, l.reserved, l.reason, l.actor, l.key_id, l.user_id, l.tariff_id into v_release
    from billing.ledger l where l.entry_id = v_item.request_id and l.kind = 2;
    select a.account_id, a.balance, a.ledger_seq into v_account
    from billing.account a where a.account_id = v_item.account_id;
    if v_account.account_id is null
       or coalesce(v_charge.account_id, v_release.account_id, v_item.account_id) <> v_item.account_id
       or exists (select from billing.reservation r where r.request_id = v_item.request_id) then
      o_code[v_item.ord] := 2;
      continue;
    end if;
    o_reserved[v_item.ord] := coalesce(v_release.reserved, v_charge.reserved, 0);
    if v_charge.account_id is not null then
      o_code[v_item.ord] := 1; o_billed[v_item.ord] := -v_charge.amount; o_reason[v_item.ord] := v_charge.reason;
      continue;
    end if;
    -- Released by the sweeper and nothing to charge, or released by the gateway itself: that ending stands.
    if v_release.account_id is not null and (v_item.kind = 2 or v_release.actor is distinct from 'sweeper') then
      o_code[v_item.ord] := 1; o_billed[v_item.ord] := 0;
      o_reason[v_item.ord] := case when v_release.actor = 'sweeper' then 'late' else v_release.reason end;
      continue;
    end if;
    if v_item.kind = 1 and v_release.account_id is null and not exists (
      select from billing.key k where k.key_id = v_item.key_id and k.account_id = v_item.account_id) then
      o_code[v_item.ord] := 3;
      continue;
    end if;
    -- Either the sweeper was quicker than an answer that was delivered, or the request was never reserved: the entry
    -- then also keeps a reservation that is still on its way from being opened after its end.
    insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, tariff_id,
      kind, estimated, ${usage}, reason, actor, user_id, error_code)
    values (v_item.request_id, v_item.account_id, v_account.ledger_seq + 1, -v_item.charge, 0, v_account.balance - v_item.charge, v_now,
      coalesce(v_release.key_id, v_item.key_id), coalesce(v_item.tariff_id, v_release.tariff_id),
      v_item.kind, v_item.estimated, ${usageOf("v_item")}, case when v_item.kind = 1 then 'late' else v_item.reason end, p_actor,
      coalesce(v_release.user_id, v_item.user_id), v_item.error_code);
    update billing.account a set balance = a.balance - v_item.charge, ledger_seq = a.ledger_seq + 1,
      day = v_day, day_spent = case when a.day = v_day then a.day_spent else 0 end + v_item.charge,
      month = v_month, month_spent = case when a.month = v_month then a.month_spent else 0 end + v_item.charge
    where a.account_id = v_item.account_id;
    update billing.key k set
      day = v_day, day_spent = case when k.day = v_day then k.day_spent else 0 end + v_item.charge,
      month = v_month, month_spent = case when k.month = v_month then k.month_spent else 0 end + v_item.charge
    where k.key_id = coalesce(v_release.key_id, v_item.key_id) and k.account_id = v_item.account_id and k.tracked;
    o_code[v_item.ord] := 0; o_billed[v_item.ord] := v_item.charge;
    o_reason[v_item.ord] := case when v_item.kind = 1 then 'late' else v_item.reason end;
  end loop;
end $$`;

/**
 * Releases reservations past their life, each once, whatever the number of replicas: one sweeps at a time. Answers how
 * many it released; as many as p_limit means that there may be more.
 */
const sweep = `
create function billing.sweep(p_limit integer, out o_request bigint[]) language plpgsql as $$
declare
  v_request bigint[];
  v_account bigint[];
  v_none bigint[];
begin
  o_request := '{}';
  if not pg_try_advisory_xact_lock(hashtextextended('billing sweep', 0)) then
    return;
  end if;
  select array_agg(e.request_id), array_agg(e.account_id) into v_request, v_account
  from (select r.request_id, r.account_id from billing.reservation r
        where r.expires_at < clock_timestamp() order by r.expires_at limit p_limit) e;
  if v_request is null then
    return;
  end if;
  perform 1 from billing.account a where a.account_id = any (v_account) order by a.account_id for no key update;
  -- Settled in the meantime, or extended: seen only now, with the accounts locked.
  select array_agg(e.request_id), array_agg(e.account_id) into v_request, v_account
  from (select r.request_id, r.account_id from billing.reservation r
        where r.request_id = any (v_request) and r.expires_at < clock_timestamp() for update) e;
  if v_request is null then
    return;
  end if;
  v_none := array_fill(null::bigint, array[cardinality(v_request)]);
  perform billing.settle(v_request, v_account, array_fill(2, array[cardinality(v_request)]),
    array_fill(0::bigint, array[cardinality(v_request)]), v_none::integer[], v_none, v_none::text[],
    array_fill('expired'::text, array[cardinality(v_request)]),
    array_fill('interrupted'::text, array[cardinality(v_request)]),
    array_fill(false, array[cardinality(v_request)]),
    ${usageColumns.map(() => "v_none").join(", ")}, 'sweeper', 0);
  o_request := v_request;
end $$`;

/**
 * Gives open reservations another life. A row that is locked is being ended or extended by someone else, so it is left
 * alone: waiting for it could deadlock with a batch that waits for another row of this one.
 */
const extend = `
create function billing.extend(p_request bigint[], p_ttl_ms integer, out o_gone bigint[]) language plpgsql as $$
begin
  with mine as materialized (
    select r.request_id from billing.reservation r where r.request_id = any (p_request) for update skip locked
  )
  update billing.reservation r set expires_at = clock_timestamp() + p_ttl_ms * interval '1 millisecond'
  from mine m where r.request_id = m.request_id;
  select coalesce(array_agg(i), '{}') into o_gone from unnest(p_request) i
  where not exists (select from billing.reservation r where r.request_id = i);
end $$`;

/** Enters a top-up (kind 3) or an adjustment (kind 4) and answers the ledger's entry; a reference is entered once. */
const addCredit = `
create function billing.add_credit(
  p_account bigint, p_kind integer, p_amount bigint, p_actor text, p_reason text, p_reference text
) returns setof billing.ledger language plpgsql as $$
declare
  v_account record;
  v_entry bigint;
  v_now timestamptz;
begin
  select a.account_id, a.balance, a.ledger_seq into v_account
  from billing.account a where a.account_id = p_account for no key update;
  if v_account.account_id is null then
    return;
  end if;
  if p_reference is not null then
    return query select l.* from billing.credit_reference c
      join billing.ledger l on l.entry_id = c.entry_id and l.kind = c.kind
      where c.account_id = p_account and c.reference = p_reference;
    if found then
      return;
    end if;
  end if;
  -- Far from where 64 bits end, so that no sum with reservations and charges can reach there.
  if abs(v_account.balance::numeric + p_amount) > 4000000000000000000 then
    raise exception 'the balance would be beyond 4 x 10^18' using errcode = 'numeric_value_out_of_range';
  end if;
  v_now := clock_timestamp();
  v_entry := ((floor(extract(epoch from v_now) * 1000)::bigint - 1562889600000) << 22)
             | (nextval('billing.credit_sequence') % 4194304);
  if p_reference is not null then
    insert into billing.credit_reference values (p_account, p_reference, v_entry, p_kind);
  end if;
  update billing.account a set balance = a.balance + p_amount, ledger_seq = a.ledger_seq + 1
  where a.account_id = p_account;
  return query insert into billing.ledger as l (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind,
    estimated, reason, actor, reference)
  values (v_entry, p_account, v_account.ledger_seq + 1, p_amount, 0, v_account.balance + p_amount, v_now, p_kind,
    false, p_reason, p_actor, p_reference)
  returning l.*;
end $$`;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [settle, sweep, extend, addCredit]) await sql.raw(statement).execute(db);
}
