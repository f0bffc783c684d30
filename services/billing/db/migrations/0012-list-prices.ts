import { labelKinds, mostLabels, noLabel, otherLabels } from "../../domain/labels.ts";
import { adding, bounded, counted, type Fold, foldFunction, sums } from "./0012-fold.ts";
import { labelledSettle } from "./0012-settle.ts";
import { statements } from "./statements.ts";

/** The month that an hour is in, as the hour at which it begins. */
const monthOf = (hour: string): string =>
  `(extract(epoch from date_trunc('month', to_timestamp(${hour} * 3600.0), 'UTC')) / 3600)::integer`;

const columns = `${counted.join(", ")}, more, estimated`;

/** Adds up what `base` has for hours, days and months, and adds it to the sums. */
export const placeUsage = `placed as (
    select case when everybody then 0 else b.account_id end as account_id, p.detail, p.span, p.starts, p.id, ${sums("b")}
    from (select base.*, base.hour / 24 * 24 as day, ${monthOf("base.hour")} as month from base) b
    cross join lateral (values (0, 1, b.hour, 0), (0, 2, b.day, 0),
      (1, 2, b.day, b.key_id), (1, 3, b.month, b.key_id),
      (2, 1, b.hour, b.tariff_id), (2, 2, b.day, b.tariff_id), (2, 3, b.month, b.tariff_id)) p (detail, span, starts, id)
    cross join (values (false), (true)) e (everybody)
    where not (everybody and p.detail = 1)
    group by 1, 2, 3, 4, 5
  ), added as (
    insert into billing.usage_sum as s (account_id, detail, span, starts, id, ${columns})
    select p.account_id, p.detail, p.span, p.starts, p.id, ${bounded("p")} from placed p
    ${adding("account_id, detail, span, starts, id")}
  )`;

/** As in 0008, of entries that may have a list price. */
export const usageFold: Fold = {
  name: "billing.fold_usage",
  marks: "billing.usage_fold",
  lock: "billing usage fold",
  job: "usage",
  add: `base as materialized (
    select n.account_id, n.hour, n.key_id, n.tariff_id, ${sums("n")} from next n where n.kind in (1, 2) group by 1, 2, 3, 4
  ), ${placeUsage}`,
};

/**
 * Sums by end user and by tag, of an hour, a day and a month each. Of each such span of an account the labels that came first are
 * told apart, as many as \`mostLabels\` says, by the number of the entry that brought them and then by name: which these are
 * does not depend on how the entries were added. Windows and no joins: PostgreSQL knows nothing of how many rows there will be, and takes
 * loops in loops.
 */
const foldLabels = foldFunction({
  name: "billing.fold_labels",
  marks: "billing.label_fold",
  lock: "billing label fold",
  job: "labels",
  add: `labelled as (
    select n.*, b.kind_of_label, case when b.label = '' then '${noLabel}' else '=' || b.label end as label
    from next n cross join lateral (
      select ${labelKinds.user} as kind_of_label, coalesce(n.end_user, n.user_id, '') as label
      union all
      select ${labelKinds.tag}, coalesce(t.tag, '')
      from (select) one left join lateral jsonb_array_elements_text(n.tags) t (tag) on true
    ) b where n.kind in (1, 2)
  ), base as materialized (
    select b.account_id, b.kind_of_label, p.span, p.starts, b.label, min(b.seq) as first, ${sums("b")}
    from labelled b
    cross join lateral (values (1, b.hour), (2, b.hour / 24 * 24), (3, ${monthOf("b.hour")})) p (span, starts)
    group by 1, 2, 3, 4, 5
  ), known as (
    select b.*, b.label <> '${noLabel}' and not exists (
      select from billing.label_sum s where s.account_id = b.account_id and s.kind = b.kind_of_label and s.span = b.span
        and s.starts = b.starts and s.id = b.label) as fresh
    from base b
  ), numbered as (
    select k.*, row_number() over (
      partition by k.account_id, k.kind_of_label, k.span, k.starts, k.fresh order by k.first, k.label) as nth
    from known k
  ), counted as (
    select n.*, max(case when n.fresh and n.nth = 1 then (
        select count(*) from billing.label_sum s where s.account_id = n.account_id and s.kind = n.kind_of_label
          and s.span = n.span and s.starts = n.starts and s.id not in ('${noLabel}', '${otherLabels}')) end)
      over (partition by n.account_id, n.kind_of_label, n.span, n.starts) as held
    from numbered n
  ), placed as (
    select c.account_id, c.kind_of_label, c.span, c.starts,
      case when c.fresh and c.held + c.nth > case c.span ${Object.entries(mostLabels)
        .map(([span, most]) => `when ${span} then ${most}`)
        .join(" ")} end then '${otherLabels}' else c.label end as id, ${sums("c")}
    from counted c group by 1, 2, 3, 4, 5
  ), added as (
    insert into billing.label_sum as s (account_id, kind, span, starts, id, ${columns})
    select p.account_id, p.kind_of_label, p.span, p.starts, p.id, ${bounded("p")} from placed p
    ${adding("account_id, kind, span, starts, id")}
  )`,
});

/**
 * The vendor's list price beside each charge, end users and tags of entries, and sums of all three. What was entered before has no
 * list price, which means that it is not known; sums by user and tag are made of it by and by.
 */
export const createListPrices = statements(
  // The tariff that has the list prices of this one, by its hash: its own where they are the same. NULL: not known.
  "alter table billing.tariff add column list_hash bytea check (octet_length(list_hash) = 32)",
  // end_user: whom the request named, or whose the key was; user_id is the key's alone. tags: a JSON list; NULL: none.
  "alter table billing.ledger add column list_price bigint, add column end_user text, add column tags jsonb",
  labelledSettle,
  // listed: entries with a list price; listed_charged: what was charged for these; list_price: what they cost by the list.
  `alter table billing.usage_sum add column listed bigint not null default 0, add column listed_charged bigint not null default 0,
     add column list_price bigint not null default 0`,
  `create table billing.label_sum (
     account_id bigint not null,
     kind smallint not null,
     span smallint not null,
     starts integer not null,
     id text not null,
     ${counted.map((column) => `${column} bigint not null`).join(", ")},
     more jsonb,
     estimated boolean not null,
     primary key (account_id, kind, span, starts, id)
   ) with (fillfactor = 70)`,
  `create table billing.label_fold (
     account_id bigint primary key,
     folded_seq bigint not null,
     folded_at timestamptz not null
   ) with (fillfactor = 50)`,
  "insert into billing.job values ('labels', '-infinity', '', '-infinity')",
  "grant select, insert, update on billing.label_sum, billing.label_fold to throughline_billing",
  foldFunction(usageFold),
  foldLabels,
);
