import { usageColumns } from "../columns.ts";
import { statements } from "./statements.ts";

/**
 * Releases reservations past their life, each once, whatever the number of replicas: one sweeps at a time. Answers which
 * it released; as many as p_limit means that there may be more. They are found by the index, so the time is taken once:
 * compared with clock_timestamp(), which may differ from row to row, every open reservation and every dead entry of the
 * index was read each second: 45 ms of CPU at 2,000 requests a second.
 */
const sweep = `
create function billing.sweep(p_limit integer, out o_request bigint[]) language plpgsql as $$
declare
  v_now timestamptz;
  v_request bigint[];
  v_account bigint[];
  v_none bigint[];
begin
  o_request := '{}';
  if not pg_try_advisory_xact_lock(hashtextextended('billing sweep', 0)) then
    return;
  end if;
  v_now := clock_timestamp();
  select array_agg(e.request_id), array_agg(e.account_id) into v_request, v_account
  from (select r.request_id, r.account_id from billing.reservation r
        where r.expires_at < v_now order by r.expires_at limit p_limit) e;
  if v_request is null then
    return;
  end if;
  perform 1 from billing.account a where a.account_id = any (v_account) order by a.account_id for no key update;
  -- Settled in the meantime, or extended: seen only now, with the accounts locked.
  select array_agg(e.request_id), array_agg(e.account_id) into v_request, v_account
  from (select r.request_id, r.account_id from billing.reservation r
        where r.request_id = any (v_request) and r.expires_at < v_now for update) e;
  if v_request is null then
    return;
  end if;
  v_none := array_fill(null::bigint, array[cardinality(v_request)]);
  perform billing.settle(v_request, v_account, array_fill(2, array[cardinality(v_request)]),
    array_fill(0::bigint, array[cardinality(v_request)]), v_none::integer[], v_none, v_none::text[],
    array_fill('expired'::text, array[cardinality(v_request)]),
    array_fill('interrupted'::text, array[cardinality(v_request)]),
    array_fill(false, array[cardinality(v_request)]),
    ${usageColumns.map(() => "v_none").join(", ")}, null, null, 'sweeper', 0);
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

/** What is done beside a batch. */
export const createLives = statements(sweep, extend, addCredit);
