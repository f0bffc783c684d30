import { heldOf, limits, refusals, within } from "./admission.ts";
import { hotPath, today } from "./hot-path.ts";
import { statements } from "./statements.ts";

/** A condition that is null refuses nothing. */
const refused = refusals({ account: "p_account", key: "p_key", generation: "p_generation" })
  .map(([, when]) => `and (${when}) is not true`)
  .join("\n    ");

const fits = within(
  { tracked: "k.tracked", amount: "p_amount" },
  (limit) => ({
    most: limit.most,
    fits:
      limit.bounds === "requests"
        ? `${heldOf(limit)} < ${limit.most}`
        : `p_amount <= ${limit.most} - ${heldOf(limit)} - ${limit.spent}`,
  }),
  limits.filter(({ bounds }) => bounds !== "jobs"),
);

/**
 * What billing.reserve does, for one item without an Idempotency-Key that is no job: by four plain statements where nothing stands in
 * its way, in half of the time (440 us of the server against 880). Whatever is not plain (a refusal, a repeat) is left to
 * billing.reserve, so that the verdicts and their order are written once. It would come to the same here as there: the
 * account is locked first, and what is asked then sees all that others committed.
 */
export const reserveOneFunction = `
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
  ${today}
  select k.tracked into v_tracked
  from billing.account a, billing.key k, billing.tariff t
  where a.account_id = p_account and k.key_id = p_key and t.tariff_id = p_tariff
    ${refused}
    and ${fits}
    and not exists (select from billing.reservation r where r.request_id = p_request)
    and not exists (select from billing.ledger l where l.entry_id = p_request and l.kind in (1, 2));
  if not found then
    select r.o_code, r.o_detail, r.o_held, r.o_reserved, r.o_expires_ms, r.o_expires_default_ms
    into o_code, o_detail, o_held, o_reserved, o_expires_ms, o_expires_default_ms
    from billing.reserve(array[p_request], array[p_account], array[p_key], array[p_generation], array[p_amount],
      array[p_tariff], array[p_user], null, null, null, p_ttl_ms) r;
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

/** Reservations of one item. */
export const createReserveOne = statements(reserveOneFunction);
