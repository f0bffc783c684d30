import { heldOf, limits, refusals, within } from "./admission.ts";
import { hotPath, today } from "./hot-path.ts";

const parameters = `p_request bigint[], p_account bigint[], p_key bigint[], p_generation integer[], p_amount bigint[], p_tariff integer[],
  p_user text[], p_idem bytea[], p_digest bytea[], p_job boolean[], p_ttl_ms integer`;

/** A condition that is null refuses nothing. */
const refused = refusals({ account: "g.account_id", key: "g.key_id", generation: "g.generation" })
  .map(([, when]) => `(${when}) is not true`)
  .join("\n      and ");

/** That all which an account and a key ask for in this batch fits together. Where it does not, each item is judged by itself. */
const fits = within(
  { tracked: "k.tracked", amount: "g.account_amount" },
  (limit) => ({
    most: limit.most,
    fits: `${limit.spent} + ${heldOf(limit)} + g.${limit.of}_${limit.bounds === "money" ? "amount" : "items"} <= ${limit.most}`,
  }),
  limits.filter(({ bounds }) => bounds !== "jobs"),
);

/**
 * What the function of 0004 does, which is now called billing.reserve_each, where nothing stands in a batch's way: no item is a job,
 * a repeat or refused, none has an Idempotency-Key, and all that its accounts and keys ask for fits. Then a look at each account and
 * key is enough, and one at the reservations and the ledger for the whole batch. Most of the old function's time went into setting
 * up a plan in which each item is judged by itself against nine limits. Whatever is not plain is left to it, so that the verdicts and
 * their order are written once; it would come to the same, for the accounts are locked first.
 */
const reserve = `
create function billing.reserve(
  ${parameters},
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
  v_plain boolean := false;
  v_tracked boolean;
begin
  if p_idem is null and p_job is null then
    perform 1 from billing.account a where a.account_id = any (p_account) order by a.account_id for no key update;
    v_now := clock_timestamp();
    ${today}
    select min(g.low), max(g.high), bool_or(k.tracked), bool_and(a.account_id is not null and
      ${refused}
      and (${fits}))
    into v_low, v_high, v_tracked, v_plain
    from (
      select s.*, sum(s.amount) over by_account as account_amount, sum(s.items) over by_account as account_items,
        sum(s.amount) over by_key as key_amount, sum(s.items) over by_key as key_items
      from (
        select i.account_id, i.key_id, i.generation, i.tariff_id, sum(i.amount) as amount, count(*) as items,
          min(i.request_id) as low, max(i.request_id) as high
        from unnest(p_request, p_account, p_key, p_generation, p_amount, p_tariff)
          as i (request_id, account_id, key_id, generation, amount, tariff_id)
        group by i.account_id, i.key_id, i.generation, i.tariff_id
      ) s
      window by_account as (partition by s.account_id), by_key as (partition by s.account_id, s.key_id)
    ) g
    left join billing.account a on a.account_id = g.account_id
    left join billing.key k on k.key_id = g.key_id
    left join billing.tariff t on t.tariff_id = g.tariff_id;
    -- The bounds are for the partitions that need not be looked at.
    v_plain := v_plain and not exists (select from billing.reservation r where r.request_id = any (p_request))
      and not exists (select from billing.ledger l
                      where l.entry_id = any (p_request) and l.entry_id between v_low and v_high);
  end if;

  if v_plain is not true then
    select r.o_code, r.o_detail, r.o_held, r.o_reserved, r.o_expires_ms, r.o_expires_default_ms
    into o_code, o_detail, o_held, o_reserved, o_expires_ms, o_expires_default_ms
    from billing.reserve_each(p_request, p_account, p_key, p_generation, p_amount, p_tariff, p_user, p_idem, p_digest, p_job,
      p_ttl_ms) r;
    return;
  end if;

  v_expires := v_now + p_ttl_ms * interval '1 millisecond';
  insert into billing.reservation
    (request_id, account_id, key_id, amount, expires_at, created_at, tariff_id, idempotent, user_id, slots, jobs)
  select unnest(p_request), unnest(p_account), unnest(p_key), unnest(p_amount), v_expires, v_now, unnest(p_tariff), false,
    unnest(p_user), 1, 0;
  update billing.account a set reserved = a.reserved + s.amount, open_count = a.open_count + s.items
  from (select i.account_id, sum(i.amount)::bigint as amount, count(*) as items
        from unnest(p_account, p_amount) as i (account_id, amount) group by i.account_id) s
  where a.account_id = s.account_id;
  if v_tracked then
    update billing.key k set reserved = k.reserved + s.amount, open_count = k.open_count + s.items
    from (select i.key_id, sum(i.amount)::bigint as amount, count(*) as items
          from unnest(p_key, p_amount) as i (key_id, amount) group by i.key_id) s
    where k.key_id = s.key_id and k.tracked;
  end if;
  o_code := array_fill(0, array[cardinality(p_request)]);
  o_detail := array_fill(null::bigint, array[cardinality(p_request)]);
  o_expires_default_ms := floor(extract(epoch from v_expires) * 1000);
end $$`;

/** Billing.reserve for plain batches, before the one that judges each item. */
export const plainReserve: readonly string[] = [
  `alter function billing.reserve(${parameters.replaceAll(/p_\w+ /g, "")}) rename to reserve_each`,
  reserve,
];
