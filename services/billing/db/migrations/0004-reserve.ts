import { heldOf, type Limit, limits, refusals, within } from "./admission.ts";
import { hotPath, today } from "./hot-path.ts";
import { statements } from "./statements.ts";

const refused = refusals({ account: "i.account_id", key: "i.key_id", generation: "i.generation" })
  .map(([code, when]) => `when ${when} then ${code}`)
  .join("\n               ");

/** What each limit has and how much of it is used, of an item. */
const usedOf = limits
  .map((limit) => `${limit.most} as ${limit.name}_most, ${limit.spent} + ${heldOf(limit)} as ${limit.name}_used`)
  .join(",\n          ");

const askedOf: Readonly<Record<Limit["bounds"], string>> = {
  requests: "count(c.asked) filter (where not c.is_job)",
  jobs: "count(c.asked) filter (where c.is_job)",
  money: "sum(c.asked)",
};

/** That all which an account and a key ask for in this batch fits together. */
const fitsAll = within({ tracked: "c.tracked", amount: "c.amount" }, ({ name, of, bounds }) => ({
  most: `c.${name}_most`,
  fits: `c.${name}_used + ${askedOf[bounds]} over by_${of} <= c.${name}_most`,
}));

/** As `usedOf`, without what is held: that changes from item to item. */
const spentOf = limits
  .map(({ name, most, spent }) => `(${most})::numeric as ${name}_most, (${spent})::numeric as ${name}_spent`)
  .join(",\n        ");

/** The array that keeps what is held of a limit, from item to item. */
const heldNow = ({ of, bounds }: Limit): string => `${of[0]}_${heldIn[bounds]}[v_item.${of[0]}n]`;
const heldIn: Readonly<Record<Limit["bounds"], string>> = { requests: "open", jobs: "jobs", money: "held" };
/** Whose limit it is, as a condition. */
const forWhom: Readonly<Record<Limit["bounds"], string>> = {
  requests: "not v_item.is_job and ",
  jobs: "v_item.is_job and ",
  money: "",
};

/** The codes of the limits that are short of what an item asks for, with or without what others hold. */
function short(which: "places" | "money", held: boolean): string {
  const asked = which === "places" ? "1" : "v_amount";
  return limits
    .filter(({ bounds }) => (bounds === "money") === (which === "money"))
    .map((limit) => {
      const { code, name, optional, bounds } = limit;
      const used = [`v_item.${name}_spent`, ...(held ? [heldNow(limit)] : []), asked].join(" + ");
      return `when ${forWhom[bounds]}${optional ? `v_item.${name}_most > 0 and ` : ""}${used} > v_item.${name}_most then ${code}`;
    })
    .join("\n        ");
}

const placeCodes = limits
  .filter(({ bounds }) => bounds !== "money")
  .map(({ code }) => code)
  .join(", ");

/** What a refusal says beside its code: the limit, or the credit that is left. */
const detailOf = (limit: Limit): string =>
  `when ${limit.code} then v_item.${limit.name}_most${limit.optional ? "" : ` - ${heldNow(limit)}`}`;

/**
 * One call reserves for a whole batch. The accounts are locked in the order of their IDs, after which each statement
 * sees what the others committed. Codes: see domain/verdict.ts. The common case (all that an account or key asks for
 * fits) is decided set by set; only the items of an account or key that is short go through the loop, in their order, so
 * that a large one that is refused does not stand in the way of smaller ones after it.
 *
 * o_held says whether a refusal is for what others merely hold, which their settlement will give back, or for charges,
 * which stay. Null: nothing was refused so. Among refusals for money those for charges come first, because a client that
 * waits for a settlement would wait in vain.
 *
 * No request ID and no (account, idempotency key) may appear twice in one call.
 */
export const reserveFunction = `
create function billing.reserve(
  p_request bigint[], p_account bigint[], p_key bigint[], p_generation integer[], p_amount bigint[], p_tariff integer[],
  p_user text[], p_idem bytea[], p_digest bytea[], p_job boolean[], p_ttl_ms integer,
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
  a_held numeric[]; a_open bigint[]; a_jobs bigint[];
  k_held numeric[]; k_open bigint[]; k_jobs bigint[];
  v_amount numeric;
  v_held boolean;
begin
  perform 1 from billing.account a where a.account_id = any (p_account) order by a.account_id for no key update;
  v_now := clock_timestamp();
  v_expires := v_now + p_ttl_ms * interval '1 millisecond';
  o_expires_default_ms := floor(extract(epoch from v_expires) * 1000);
  ${today}
  select min(r), max(r) into v_low, v_high from unnest(p_request) r;

  select array_agg(d.code), array_agg(d.detail), bool_or(d.code = 99), bool_or(d.code = 1), bool_or(d.tracked)
  into o_code, o_detail, v_tight, v_repeated, v_tracked
  from (
    select c.tracked,
      case when c.code <> 0 then c.code
           when ${fitsAll}
           then 0 else 99 end as code,
      c.detail
    from (
      select v.*, case when v.code = 0 then v.amount end as asked
      from (
        select i.ord, i.account_id, i.key_id, i.amount,
          case when r.request_id is not null then case when r.account_id = i.account_id then 1 else 20 end
               when e.ended then 20
               ${refused}
               when d.request_id is null or not (d.answered or d.locked_until > v_now or o.open is true) then 0
               when d.digest <> i.digest then 22
               when d.answered then 2
               else 21 end as code,
          d.request_id as detail,
          k.tracked, coalesce(i.job, false) as is_job, ${usedOf}
        from unnest(p_request, p_account, p_key, p_generation, p_amount, p_tariff, p_idem, p_digest, p_job) with ordinality
             as i (request_id, account_id, key_id, generation, amount, tariff_id, idem, digest, job, ord)
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
        a.reserved as a_reserved, a.open_count as a_open_count, k.reserved as k_reserved, k.open_count as k_open_count,
        a.open_jobs as a_open_jobs, k.open_jobs as k_open_jobs, coalesce(i.job, false) as is_job,
        ${spentOf}
      from unnest(p_account, p_key, p_amount, o_code, p_job) with ordinality as i (account_id, key_id, amount, code, job, ord)
      join billing.account a on a.account_id = i.account_id
      join billing.key k on k.key_id = i.key_id
      where i.code = 99
      order by i.ord
    loop
      if a_open[v_item.an] is null then
        a_held[v_item.an] := v_item.a_reserved; a_open[v_item.an] := v_item.a_open_count;
        a_jobs[v_item.an] := v_item.a_open_jobs;
      end if;
      if k_open[v_item.kn] is null then
        k_held[v_item.kn] := v_item.k_reserved; k_open[v_item.kn] := v_item.k_open_count;
        k_jobs[v_item.kn] := v_item.k_open_jobs;
      end if;
      v_amount := v_item.amount;
      -- First what no settlement can change: the charges alone leave too little. Then what is held by others for now.
      o_code[v_item.ord] := case
        ${short("places", true)}
        when v_amount = 0 then 0
        ${short("money", false)}
        else 0 end;
      v_held := o_code[v_item.ord] in (${placeCodes});
      if o_code[v_item.ord] = 0 and v_amount > 0 then
        o_code[v_item.ord] := case
          ${short("money", true)}
          else 0 end;
        v_held := o_code[v_item.ord] <> 0;
      end if;
      if o_code[v_item.ord] = 0 then
        a_held[v_item.an] := a_held[v_item.an] + v_amount;
        k_held[v_item.kn] := k_held[v_item.kn] + v_amount;
        if v_item.is_job then
          a_jobs[v_item.an] := a_jobs[v_item.an] + 1; k_jobs[v_item.kn] := k_jobs[v_item.kn] + 1;
        else
          a_open[v_item.an] := a_open[v_item.an] + 1; k_open[v_item.kn] := k_open[v_item.kn] + 1;
        end if;
      else
        o_held[v_item.ord] := v_held;
        o_detail[v_item.ord] := case o_code[v_item.ord]
          ${limits.map(detailOf).join("\n          ")} end;
      end if;
    end loop;
  end if;

  with item as materialized (
    select i.*, case when i.job then 1 else 0 end as jobs
    from unnest(p_request, p_account, p_key, p_amount, p_tariff, p_user, p_idem, o_code, p_job)
      as i (request_id, account_id, key_id, amount, tariff_id, user_id, idem, code, job)
    where i.code = 0
  ), opened as (
    insert into billing.reservation
      (request_id, account_id, key_id, amount, expires_at, created_at, tariff_id, idempotent, user_id, slots, jobs)
    select request_id, account_id, key_id, amount, v_expires, v_now, tariff_id, idem is not null, user_id, 1 - jobs, jobs
    from item
  )
  update billing.account a set reserved = a.reserved + s.amount, open_count = a.open_count + s.items - s.jobs,
    open_jobs = a.open_jobs + s.jobs
  from (select account_id, sum(amount)::bigint as amount, count(*) as items, sum(jobs) as jobs from item
        group by account_id) s
  where a.account_id = s.account_id;

  if v_tracked then
    update billing.key k set reserved = k.reserved + s.amount, open_count = k.open_count + s.items - s.jobs,
      open_jobs = k.open_jobs + s.jobs
    from (select i.key_id, sum(i.amount)::bigint as amount, count(*) as items, count(*) filter (where i.job) as jobs
          from unnest(p_key, p_amount, o_code, p_job) as i (key_id, amount, code, job) where i.code = 0 group by i.key_id) s
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

/** Reservations of whole batches. */
export const createReserve = statements(reserveFunction);
