import { storedFacts } from "../columns.ts";
import { countSpent, hotPath, today } from "./hot-path.ts";

const usage = storedFacts.map(({ column }) => column).join(", ");
const usageOf = (alias: string): string => storedFacts.map(({ column }) => `${alias}.${column}`).join(", ");
const usageParameters = storedFacts.map(({ column }) => `p_${column}`).join(", ");

/**
 * As the function of 0006, which stays for programs that know no more: it differs in what it enters, the list price and the labels
 * beside the usage. One call settles a whole batch: deletes the reservations, enters the ledger and moves the balances, each account once.
 * Items without an open reservation take the loop at the end: a repeat answers what was entered first, and what the
 * sweeper released before is charged late. o_code: 0 settled now, 1 settled before, 2 another account's, 3 by another
 * account's key.
 *
 * No request ID may appear twice in one call.
 */
export const labelledSettle = `
create function billing.settle(
  p_request bigint[], p_account bigint[], p_kind integer[], p_charge bigint[], p_tariff integer[], p_key bigint[],
  p_user text[], p_reason text[], p_error text[], p_estimated boolean[],
  ${storedFacts.map(({ column, type }) => `p_${column} ${type}[]`).join(", ")},
  p_actor text, p_answer_wait_ms integer,
  out o_code integer[], out o_reserved bigint[], out o_billed bigint[], out o_reason text[]
) language plpgsql ${hotPath} as $$
declare
  v_now timestamptz;
  v_day integer;
  v_month integer;
  v_missing boolean;
  v_idempotent boolean;
  v_item record;
  v_charge record;
  v_release record;
  v_account record;
begin
  perform 1 from billing.account a where a.account_id = any (p_account) order by a.account_id for no key update;
  v_now := clock_timestamp();
  ${today}

  with item as materialized (
    select * from unnest(p_request, p_account, p_kind, p_charge, p_tariff, p_reason, p_error, p_estimated,
                         ${usageParameters}) with ordinality
      as i (request_id, account_id, kind, charge, tariff_id, reason, error_code, estimated, ${usage}, ord)
  ), gone as (
    delete from billing.reservation r using item i
    where r.request_id = i.request_id and r.account_id = i.account_id
    returning i.ord, i.charge, r.request_id, r.account_id, r.key_id, r.amount, r.tariff_id, r.idempotent, r.user_id, r.slots,
      r.jobs
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
      balance = a.balance - s.charge, reserved = a.reserved - s.amount, open_count = a.open_count - s.slots,
      open_jobs = a.open_jobs - s.jobs,
      ledger_seq = a.ledger_seq + s.items,
      ${countSpent("a", "s.charge")}
    from (select account_id, sum(charge)::bigint as charge, sum(amount)::bigint as amount, count(*) as items,
            sum(slots)::bigint as slots, sum(jobs)::bigint as jobs
          from gone group by account_id) s
    where a.account_id = s.account_id
  ), counted as (
    update billing.key k set
      reserved = k.reserved - s.amount, open_count = k.open_count - s.slots,
      open_jobs = k.open_jobs - s.jobs,
      ${countSpent("k", "s.charge")}
    from (select key_id, sum(charge)::bigint as charge, sum(amount)::bigint as amount,
            sum(slots)::bigint as slots, sum(jobs)::bigint as jobs
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
    from unnest(p_request, p_kind, o_code) as i (request_id, kind, code)
    where d.request_id = i.request_id and i.kind = 1 and i.code = 0 and not d.answered;
  end if;

  if not v_missing then
    return;
  end if;
  o_billed := array_fill(null::bigint, array[cardinality(p_request)]);
  o_reason := array_fill(null::text, array[cardinality(p_request)]);
  for v_item in
    select i.* from unnest(p_request, p_account, p_kind, p_charge, p_tariff, p_key, p_user, p_reason, p_error, p_estimated,
                           ${usageParameters}, o_code) with ordinality
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
      ${countSpent("a", "v_item.charge")}
    where a.account_id = v_item.account_id;
    update billing.key k set
      ${countSpent("k", "v_item.charge")}
    where k.key_id = coalesce(v_release.key_id, v_item.key_id) and k.account_id = v_item.account_id and k.tracked;
    if v_item.kind = 1 then
      update billing.idempotency d set locked_until = v_now + p_answer_wait_ms * interval '1 millisecond'
      where d.request_id = v_item.request_id and not d.answered;
    end if;
    o_code[v_item.ord] := 0; o_billed[v_item.ord] := v_item.charge;
    o_reason[v_item.ord] := case when v_item.kind = 1 then 'late' else v_item.reason end;
  end loop;
end $$`;
