import { settleFunction } from "./0006-settle.ts";
import { hotPath } from "./hot-path.ts";
import { statements } from "./statements.ts";

/**
 * Gives parts of a reservation to requests that are part of its work: each part becomes that request's own reservation, so that
 * it is settled and recorded as any other. What the account holds stays the same. Neither the whole nor its parts take any of
 * the slots of concurrent requests: nobody waits for them, and they have passed the other limits together.
 *
 * o_held: true where the request holds its part now, or has ended already. False where the whole is gone or has not as much
 * left: such a request must reserve by itself. The key and the user are those of the whole.
 *
 * No request ID may appear twice in one call.
 */
const split = `
create function billing.split(
  p_account bigint, p_from bigint, p_request bigint[], p_amount bigint[], p_tariff integer[], p_ttl_ms integer,
  out o_held boolean[]
) language plpgsql ${hotPath} as $$
declare
  v_now timestamptz;
  v_whole record;
  v_moved numeric;
begin
  perform 1 from billing.account a where a.account_id = p_account for no key update;
  v_now := clock_timestamp();
  select r.* into v_whole from billing.reservation r
  where r.request_id = p_from and r.account_id = p_account for update;

  with item as materialized (
    select i.ord, i.request_id, i.amount, i.tariff_id,
      exists (select from billing.reservation r where r.request_id = i.request_id and r.account_id = p_account)
      or exists (select from billing.ledger l
                 where l.entry_id = i.request_id and l.account_id = p_account and l.kind in (1, 2)) as known
    from unnest(p_request, p_amount, p_tariff) with ordinality as i (request_id, amount, tariff_id, ord)
  ), fitting as materialized (
    select n.* from (select i.*, sum(i.amount) over (order by i.ord) as so_far from item i where not i.known) n
    where v_whole.request_id is not null and n.so_far <= v_whole.amount
  ), opened as (
    insert into billing.reservation
      (request_id, account_id, key_id, amount, expires_at, created_at, tariff_id, idempotent, user_id, slots)
    select f.request_id, p_account, v_whole.key_id, f.amount, v_now + p_ttl_ms * interval '1 millisecond', v_now,
      f.tariff_id, false, v_whole.user_id, 0
    from fitting f
  )
  select array_agg(i.known or f.ord is not null order by i.ord), coalesce(sum(f.amount), 0)
  into o_held, v_moved
  from item i left join fitting f on f.ord = i.ord;

  if v_whole.request_id is null or (v_moved = 0 and v_whole.slots = 0) then
    return;
  end if;
  update billing.reservation r set amount = r.amount - v_moved, slots = 0 where r.request_id = p_from;
  if v_whole.slots > 0 then
    update billing.account a set open_count = a.open_count - v_whole.slots where a.account_id = p_account;
    update billing.key k set open_count = k.open_count - v_whole.slots where k.key_id = v_whole.key_id and k.tracked;
  end if;
end $$`;

/** Reservations that are given to parts of their work. What was made before them has no slots yet, and settles without. */
export const createSplit = statements(
  "alter table billing.reservation add column if not exists slots smallint not null default 1",
  settleFunction,
  split,
);
