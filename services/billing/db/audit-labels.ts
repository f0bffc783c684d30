import type { Portion } from "../domain/audit-portions.ts";
import { type LabelKind, labelKinds, mostLabels, noLabel, otherLabels } from "../domain/labels.ts";
import { columnsOf, differs, entryColumns, monthOf, summedColumns, sums } from "./audit-columns.ts";
import { accountsOf, entriesOf, sumsOf } from "./audit-portions.ts";

/** Entries that are said to be in the sums, once for each of their labels. Those without tags are not taken apart. */
const labelled: Readonly<Record<LabelKind, (selected: string, which: string) => string>> = {
  user: (selected, which) => `
    select ${selected}, coalesce(l.end_user, l.user_id, '') as label
    from billing.ledger l join billing.label_fold f on f.account_id = l.account_id and l.seq <= f.folded_seq
    where l.kind in (1, 2) and ${which}`,
  tag: (selected, which) => `
    select ${selected}, '' as label
    from billing.ledger l join billing.label_fold f on f.account_id = l.account_id and l.seq <= f.folded_seq
    where l.kind in (1, 2) and l.tags is null and ${which}
    union all
    select ${selected}, coalesce(t.tag, '') as label
    from billing.ledger l join billing.label_fold f on f.account_id = l.account_id and l.seq <= f.folded_seq
    left join lateral jsonb_array_elements_text(l.tags) t (tag) on true
    where l.kind in (1, 2) and l.tags is not null and ${which}`,
};

/** The `id` of a label's sum. */
const idOf = (label: string): string => `case when ${label} = '' then '${noLabel}' else '=' || ${label} end`;

/**
 * The condition that a row is one of a set, by a table of the set. As a join it would be a loop over the whole set for each row, for PostgreSQL
 * knows nothing of how large sets are that were made in the same statement, and expects a single row.
 */
const within = (row: string, set: string): string => `(${row} in (${set})) is true`;

/** Divides the sums of a span by label: those that have a sum of their own, and all others together. */
const toldApart = (span: number, { occurring }: Portion): string => `
    select account_id, ${span} as span, starts, ${idOf("label")} as id, ${columnsOf(occurring).join(", ")}
    from span_${span} s where (account_id, starts, label) not in (select account_id, starts, label from other_${span})
    union all
    select account_id, ${span}, starts, '${otherLabels}', ${sums("s", occurring)}
    from span_${span} s where ${within("(account_id, starts, label)", `select account_id, starts, label from other_${span}`)} group by 1, 2, 3`;

/** Labels of a span that have no sum of their own, which follows from the numbers of the entries that brought them. */
const others = (span: number, first: string, which = "true"): string => `
    select account_id, starts, label from (
      select account_id, starts, label, row_number() over (partition by account_id, starts order by first, label) as number
      from ${first} where label <> '' and ${which}) n
    where number > ${mostLabels[span]}`;

/** Accounts and spans with more labels than are told apart: only there are they put into their order. */
const crowded = (span: number): string =>
  `select account_id, starts from span_${span} where label <> '' group by 1, 2 having count(*) > ${mostLabels[span]}`;

const line = (kind: LabelKind, { occurring }: Portion, right: string, present: string): string => `
  select format('account %s ${kind} span %s hour %s id %s: %s requests and %s charged, should be %s and %s',
    account_id, span, starts, quote_literal(id), s.requests, s.charged, r.requests, r.charged)
  from (${right}) r full join (select * from billing.label_sum c where c.kind = ${labelKinds[kind]} and ${present}) s
    using (account_id, span, starts, id)
  where ${differs("r", "s", occurring)}`;

/** Finds rows of `label_sum` by the hour and the day, within a portion, that are not the sums of the ledger or are missing. */
export function wrongLabelDays(kind: LabelKind, portion: Portion): string {
  const hour = "floor(date_part('epoch', l.created_at) / 3600)::integer as starts";
  const entries = labelled[kind](
    `l.account_id, ${hour}, l.seq, ${entryColumns(portion.occurring)}`,
    entriesOf(portion),
  );
  const sum = (starts: string, first: string, from: string) =>
    `select account_id, ${starts} as starts, label, min(${first}) as first, ${sums("s", portion.occurring)} from ${from} s group by 1, 2, 3`;
  const crowds = [1, 2].map(
    (span) => `other_${span} as (${others(span, `span_${span}`, within("(account_id, starts)", crowded(span)))})`,
  );
  return `
  with span_1 as (${sum("starts", "seq", `(${entries})`)}),
  span_2 as (${sum("starts / 24 * 24", "first", "span_1")}), ${crowds.join(", ")}
  ${line(
    kind,
    portion,
    [1, 2].map((span) => toldApart(span, portion)).join(" union all "),
    `c.span in (1, 2) and ${sumsOf("c", portion)}`,
  )}`;
}

/**
 * Says whether sums by tag are to be looked at in a portion without tags. They need not be made anew where they are those of the
 * wholes, which `wrongDays` looks at, and go as far.
 */
export const unlikeWholes = (portion: Portion): string => `
  select 'unlike' from (
    select u.*, '${noLabel}' as label from billing.usage_sum u where u.account_id <> 0 and u.detail = 0 and ${sumsOf("u", portion)}) u
  full join (select * from billing.label_sum c where c.kind = ${labelKinds.tag} and c.span in (1, 2) and ${sumsOf("c", portion)}) c
    on (c.account_id, c.span, c.starts, c.id) = (u.account_id, u.span, u.starts, u.label)
  where ${differs("u", "c", new Set(summedColumns))}
  union all
  select 'unlike' from (select * from billing.usage_fold f where ${accountsOf("f", portion)}) u
  full join (select * from billing.label_fold f where ${accountsOf("f", portion)}) c using (account_id)
  where u.folded_seq is distinct from c.folded_seq`;

/**
 * Finds rows of `label_sum` by the month, within a portion of whole months, that are not the sums of its days. `wrongLabelDays` looks at
 * the days. What a day does not tell apart is taken from the ledger, and so is the order of the labels where a month has too many.
 */
export function wrongLabelMonths(kind: LabelKind, portion: Portion): string {
  const columns = columnsOf(portion.occurring).join(", ");
  const day = `c.kind = ${labelKinds[kind]} and c.span = 2 and ${sumsOf("c", portion)}`;
  const ofDay =
    "l.created_at >= to_timestamp(d.starts * 3600.0) and l.created_at < to_timestamp((d.starts + 24) * 3600.0)";
  const ofMonth = `l.created_at >= to_timestamp(m.starts * 3600.0)
        and l.created_at < date_trunc('month', to_timestamp(m.starts * 3600.0) + interval '40 days', 'UTC')`;
  return `
  with full_day as materialized (
    select c.account_id, c.starts from billing.label_sum c where ${day} and c.id = '${otherLabels}'
  ), told as materialized (
    select c.account_id, c.starts, case when c.id = '${noLabel}' then '' else substr(c.id, 2) end as label
    from billing.label_sum c join full_day using (account_id, starts) where ${day} and c.id <> '${otherLabels}'
  ), untold as materialized (
    select d.account_id, d.starts, e.label, ${columns} from full_day d cross join lateral (
      ${labelled[kind](entryColumns(portion.occurring), `l.account_id = d.account_id and ${ofDay}`)} offset 0) e
    where (d.account_id, d.starts, e.label) not in (select account_id, starts, label from told)
  ), day as (
    select c.account_id, c.starts, case when c.id = '${noLabel}' then '' else substr(c.id, 2) end as label, ${columns}
    from billing.label_sum c where ${day} and c.id <> '${otherLabels}'
    union all select * from untold
  ), span_3 as materialized (
    select account_id, ${monthOf("starts")} as starts, label, ${sums("d", portion.occurring)} from day d group by 1, 2, 3
  ), other_3 as (${others(
    3,
    `(select m.account_id, m.starts, e.label, min(e.seq) as first from (${crowded(3)}) m cross join lateral (
      ${labelled[kind]("l.seq", `l.account_id = m.account_id and ${ofMonth}`)} offset 0) e group by 1, 2, 3) f`,
  )})
  ${line(kind, portion, toldApart(3, portion), `c.span not in (1, 2) and ${sumsOf("c", portion)}`)}`;
}

/** Rows of `label_sum` of no kind that is kept. */
export const wrongLabelKinds = `
   select format('account %s kind %s: no such sums are kept', account_id, kind)
   from billing.label_sum where kind not in (${Object.values(labelKinds).join(", ")})`;
