import { labelKinds, mostLabels, noLabel, otherLabels } from "../../domain/labels.ts";
import { adding, bounded, counted, type Fold, foldFunction, sums } from "./0012-fold.ts";
import { statements } from "./statements.ts";

/** The month that an hour is in, as the hour at which it begins. */
const monthOf = (hour: string): string =>
  `(extract(epoch from date_trunc('month', to_timestamp(${hour} * 3600.0), 'UTC')) / 3600)::integer`;

const columns = `${counted.join(", ")}, more, estimated`;

/** Adds up what `alike` has for the labels of hours, days and months, and adds it to the sums. */
export const placeLabels = `labelled as (
    select a.*, b.kind_of_label, case when b.label = '' then '${noLabel}' else '=' || b.label end as label
    from alike a cross join lateral (
      select ${labelKinds.user} as kind_of_label, a.end_user as label
      union all
      select ${labelKinds.tag}, coalesce(t.tag, '')
      from (select) one left join lateral jsonb_array_elements_text(a.tags) t (tag) on true
    ) b
  ), base as materialized (
    select b.account_id, b.kind_of_label, p.span, p.starts, b.label, min(b.first) as first, ${sums("b")}
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
  )`;

/**
 * What the function of 0012 does. Entries of an hour with the same labels are added up before anything else: each entry then went through a
 * sum for its user and its tags of an hour, a day and a month. Most have the same labels, or none.
 *
 * Sums by end user and by tag, of an hour, a day and a month each. Of each such span of an account the labels that came first are
 * told apart, as many as `mostLabels` says, by the number of the entry that brought them and then by name: which these are
 * does not depend on how the entries were added. Windows and no joins: PostgreSQL knows nothing of how many rows there will be, and takes
 * loops in loops.
 */
export const labelFold: Fold = {
  name: "billing.fold_labels",
  marks: "billing.label_fold",
  lock: "billing label fold",
  job: "labels",
  add: `alike as materialized (
    select n.account_id, n.hour, coalesce(n.end_user, n.user_id, '') as end_user, n.tags, min(n.seq) as first, ${sums("n")}
    from next n where n.kind in (1, 2) group by 1, 2, 3, 4
  ), ${placeLabels}`,
};

/** Sums by label that read each entry once. */
export const addUpAlike = statements(foldFunction(labelFold));
