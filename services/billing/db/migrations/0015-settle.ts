import { storedFacts } from "../columns.ts";
import { countSpent, hotPath, today } from "./hot-path.ts";

/** What is told of each item, by parameters of these names and types. */
const items: readonly (readonly [name: string, type: string])[] = [
  ["request", "bigint"],
  ["account", "bigint"],
  ["kind", "integer"],
  ["charge", "bigint"],
  ["tariff", "integer"],
  ["key", "bigint"],
  ["user", "text"],
  ["reason", "text"],
  ["error", "text"],
  ["estimated", "boolean"],
  ...storedFacts.map(({ column, type }) => [column, type] as const),
];
const parameters = items.map(([name, type]) => `p_${name} ${type}[]`).join(", ");
const types = items.map(([, type]) => `${type}[]`).join(", ");
const usage = storedFacts.map(({ column }) => column).join(", ");
const usageOf = (alias: string): string => storedFacts.map(({ column }) => `${alias}.${column}`).join(", ");
const usageParameters = storedFacts.map(({ column }) => `p_${column}`).join(", ");

/** What is given back of each account or key. */
const sumsBy = (
  owner: string,
): string => `select ${owner}, sum(charge)::bigint as charge, sum(amount)::bigint as amount,
            count(*) as items, sum(slots)::bigint as slots, sum(jobs)::bigint as jobs
          from gone group by ${owner}`;

/**
 * What the function of 0012 does, which is now called billing.settle_each, for items whose reservation is open: nearly all. Each
 * item is read once and each account once, for what the deletion gives bears all that the ledger wants, and the update of an account
 * gives where its entries begin. The others are left to the old function, which would find nothing open of them either.
 */
const settle = `
create function billing.settle(
  ${parameters}, p_actor text, p_answer_wait_ms integer,
  out o_code integer[], out o_reserved bigint[], out o_billed bigint[], out o_reason text[]
) language plpgsql ${hotPath} as $$
declare
  v_now timestamptz;
  v_day integer;
  v_month integer;
  v_idempotent boolean;
  v_settled bigint[];
  v_amount bigint[];
  v_each record;
begin
  perform 1 from billing.account a where a.account_id = any (p_account) order by a.account_id for no key update;
  v_now := clock_timestamp();
  ${today}

  with gone as (
    delete from billing.reservation r
    using unnest(p_request, p_account, p_kind, p_charge, p_tariff, p_reason, p_error, p_estimated,
                 ${usageParameters}) with ordinality
      as i (request_id, account_id, kind, charge, tariff_id, reason, error_code, estimated, ${usage}, ord)
    where r.request_id = i.request_id and r.account_id = i.account_id
    returning i.ord, i.kind, i.charge, coalesce(i.tariff_id, r.tariff_id) as tariff_id, i.reason, i.error_code, i.estimated,
      ${usageOf("i")}, r.request_id, r.account_id, r.key_id, r.amount, r.idempotent, r.user_id, r.slots, r.jobs
  ), moved as (
    update billing.account a set
      balance = a.balance - s.charge, reserved = a.reserved - s.amount, open_count = a.open_count - s.slots,
      open_jobs = a.open_jobs - s.jobs,
      ledger_seq = a.ledger_seq + s.items,
      ${countSpent("a", "s.charge")}
    from (${sumsBy("account_id")}) s
    where a.account_id = s.account_id
    returning a.account_id, a.ledger_seq - s.items as seq, a.balance + s.charge as balance
  ), entered as (
    insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, tariff_id,
      kind, estimated, ${usage}, reason, actor, user_id, error_code)
    select g.request_id, g.account_id, m.seq + row_number() over w, -g.charge, g.amount,
      m.balance - sum(g.charge) over w, v_now, g.key_id, g.tariff_id,
      g.kind, g.estimated, ${usageOf("g")}, g.reason, p_actor, g.user_id, g.error_code
    from gone g join moved m on m.account_id = g.account_id
    window w as (partition by g.account_id order by g.ord)
  ), counted as (
    update billing.key k set
      reserved = k.reserved - s.amount, open_count = k.open_count - s.slots,
      open_jobs = k.open_jobs - s.jobs,
      ${countSpent("k", "s.charge")}
    from (${sumsBy("key_id")}) s
    where k.key_id = s.key_id and k.tracked
  )
  select coalesce(array_agg(g.ord order by g.ord), '{}'), array_agg(g.amount order by g.ord), bool_or(g.idempotent)
  into v_settled, v_amount, v_idempotent
  from gone g;

  -- A released request's key may be used anew at once; a charged one's waits for its answer to be stored.
  if v_idempotent then
    update billing.idempotency d set locked_until = v_now + p_answer_wait_ms * interval '1 millisecond'
    from unnest(p_request, p_kind) with ordinality as i (request_id, kind, ord)
    where d.request_id = i.request_id and i.kind = 1 and i.ord = any (v_settled) and not d.answered;
  end if;

  o_code := array_fill(0, array[cardinality(p_request)]);
  if cardinality(v_settled) = cardinality(p_request) then
    o_reserved := v_amount;
    return;
  end if;
  o_reserved := array_fill(null::bigint, array[cardinality(p_request)]);
  o_billed := o_reserved;
  o_reason := array_fill(null::text, array[cardinality(p_request)]);
  for v_at in 1 .. cardinality(v_settled) loop
    o_reserved[v_settled[v_at]] := v_amount[v_at];
  end loop;
  for v_each in
    select u.* from (
      select array_agg(i.ord order by i.ord) as ord, ${items.map(([name]) => `array_agg(i."${name}" order by i.ord) as "${name}"`).join(", ")}
      from unnest(${items.map(([name]) => `p_${name}`).join(", ")}) with ordinality
        as i (${items.map(([name]) => `"${name}"`).join(", ")}, ord)
      where i.ord <> all (v_settled)
    ) m cross join lateral billing.settle_each(${items.map(([name]) => `m."${name}"`).join(", ")}, p_actor, p_answer_wait_ms) e
    cross join lateral unnest(m.ord, e.o_code, e.o_reserved, e.o_billed, e.o_reason) as u (ord, code, reserved, billed, reason)
  loop
    o_code[v_each.ord] := v_each.code;
    o_reserved[v_each.ord] := v_each.reserved;
    o_billed[v_each.ord] := v_each.billed;
    o_reason[v_each.ord] := v_each.reason;
  end loop;
end $$`;

/** Billing.settle for what is open, before the one that judges each item. */
export const plainSettle: readonly string[] = [
  `alter function billing.settle(${types}, text, integer) rename to settle_each`,
  settle,
];
