import { type LabelKind, labelKinds, mostLabels, noLabel, otherLabels } from "../domain/labels.ts";
import { usageColumns } from "./columns.ts";

const counted = ["requests", "charged", "listed", "listed_charged", "list_price", ...usageColumns];

/** The hour from 1970-01-01, UTC, at which a span begins that holds another, shorter one. By the span's number. */
const startOf: Readonly<Record<number, (starts: string) => string>> = {
  1: (starts) => starts,
  2: (starts) => `${starts} / 24 * 24`,
  3: (starts) => `(date_part('epoch', date_trunc('month', to_timestamp(${starts} * 3600.0), 'UTC')) / 3600)::integer`,
};

/** What sums are kept of: their `detail`, the column of the ledger in their `id`, their spans, the shortest first. */
interface Kept {
  readonly detail: number;
  readonly id: string;
  readonly spans: readonly number[];
  /** Whether there are sums over all accounts, too. */
  readonly together: boolean;
}

const kept: readonly Kept[] = [
  { detail: 0, id: "0", spans: [1, 2], together: true },
  { detail: 1, id: "coalesce(l.key_id, 0)", spans: [2, 3], together: false },
  { detail: 2, id: "coalesce(l.tariff_id, 0)", spans: [1, 2, 3], together: true },
];

/** Where sums of usage stop, as the function that keeps them has it. */
const most = "9223372036854775807";

/** A sum of bigint is numeric: as bigint it is added again three times as quickly, and takes less room where millions of sums are put aside. */
const sums = `${counted.map((column) => `least(sum(${column}), ${most})::bigint as ${column}`).join(", ")}, billing.sum_more(more) as more,
  bool_or(estimated) as estimated`;
const columns = `${counted.join(", ")}, more, estimated`;

/** What is counted of an entry of the ledger. A late charge beside its release is one request. */
const entryColumns = `-l.amount as charged, l.estimated,
      case when l.list_price is null then 0 else 1 end as listed,
      case when l.list_price is null then 0 else -l.amount end as listed_charged, coalesce(l.list_price, 0) as list_price,
      ${usageColumns.map((column) => `coalesce(l.${column}, 0) as ${column}`).join(", ")}, l.more,
      case when l.kind = 2 or l.reason <> 'late' then 1
           when exists (select from billing.ledger r where r.entry_id = l.entry_id and r.kind = 2) then 0
           else 1 end as requests`;

/**
 * Rows of `usage_sum` of one detail that are not the sums of the ledger, or that are missing. They are made anew from every
 * entry that is said to be in them, in one pass: the sums of the shortest span from the entries, those of each longer span
 * from the shorter ones, those of all accounts from the accounts'. (Each entry put into all of its sums took 220 s at 2.6
 * million entries.)
 */
function wrongSums({ detail, id, spans, together }: Kept): string {
  const [shortest = 1, ...longer] = spans;
  const all = together
    ? spans.map((span) => `select 0, ${span}, starts, id, ${sums} from span_${span} group by starts, id`)
    : [];
  const longerSpans = longer.map(
    (span, before) => `, span_${span} as (
      select account_id, ${startOf[span]?.("starts")} as starts, id, ${sums} from span_${spans[before]} group by 1, 2, 3)`,
  );
  const single = spans.map((span) => `select account_id, ${span}, starts, id, ${columns} from span_${span}`);
  return `
  with entry as (
    select l.account_id, ${startOf[shortest]?.("floor(date_part('epoch', l.created_at) / 3600)::integer")} as starts,
      ${id} as id, ${entryColumns}
    from billing.ledger l join billing.usage_fold f on f.account_id = l.account_id and l.seq <= f.folded_seq
    where l.kind in (1, 2)
  ), span_${shortest} as (
    select account_id, starts, id, ${sums} from entry group by account_id, starts, id
  )${longerSpans.join("")}, rightful (account_id, span, starts, id, ${columns}) as (
    ${[...single, ...all].join(" union all ")}
  ), present as (select * from billing.usage_sum where detail = ${detail})
  select format('account %s detail ${detail} span %s hour %s id %s: %s requests and %s charged, should be %s and %s',
    account_id, span, starts, id, s.requests, s.charged, r.requests, r.charged)
  from rightful r full join present s using (account_id, span, starts, id)
  where (${counted.map((column) => `r.${column}`).join(", ")}, r.more, r.estimated)
    is distinct from (${counted.map((column) => `s.${column}`).join(", ")}, s.more, s.estimated)`;
}

/**
 * As `wrongSums`, of rows of `label_sum`. Which labels have a sum of their own follows from the numbers of the entries that brought
 * them: so it is found anew, span by span, from what each label has whether or not it is told apart.
 */
function wrongLabels(kind: LabelKind): string {
  const label =
    kind === "user"
      ? "(select coalesce(l.end_user, l.user_id, '') as label)"
      : "(select coalesce(t.tag, '') as label from (select) one left join lateral jsonb_array_elements_text(l.tags) t (tag) on true)";
  const spans = [1, 2, 3];
  const sum = (starts: string, from: string) =>
    `select account_id, ${starts} as starts, label, min(first) as first, ${sums} from ${from} group by 1, 2, 3`;
  // Only where there are more labels than are told apart are they put into their order.
  const crowds = spans.flatMap((span) => {
    const told = mostLabels[span];
    return [
      `crowded_${span} as (
        select account_id, starts from span_${span} where label <> '' group by 1, 2 having count(*) > ${told})`,
      `other_${span} as (
        select account_id, starts, label from (
          select account_id, starts, label, row_number() over (partition by account_id, starts order by first, label) as number
          from span_${span} join crowded_${span} using (account_id, starts) where label <> '') n
        where number > ${told})`,
    ];
  });
  const rightful = spans.flatMap((span) => [
    `select account_id, ${span} as span, starts, case when label = '' then '${noLabel}' else '=' || label end as id, ${columns}
      from span_${span} s where not exists (
        select from other_${span} o where (o.account_id, o.starts, o.label) = (s.account_id, s.starts, s.label))`,
    `select account_id, ${span}, starts, '${otherLabels}', ${sums}
      from span_${span} join other_${span} using (account_id, starts, label) group by 1, 2, 3`,
  ]);
  return `
  with span_1 as (
    ${sum(
      "starts",
      `(select l.account_id, floor(date_part('epoch', l.created_at) / 3600)::integer as starts, b.label, l.seq as first, ${entryColumns}
      from billing.ledger l join billing.label_fold f on f.account_id = l.account_id and l.seq <= f.folded_seq
      cross join lateral ${label} b where l.kind in (1, 2)) e`,
    )}
  ), span_2 as (${sum(startOf[2]?.("starts") ?? "", "span_1")}
  ), span_3 as (${sum(startOf[3]?.("starts") ?? "", "span_2")}
  ), ${crowds.join(", ")}, rightful as (
    ${rightful.join(" union all ")}
  ), present as (select * from billing.label_sum where kind = ${labelKinds[kind]})
  select format('account %s ${kind} span %s hour %s id %s: %s requests and %s charged, should be %s and %s',
    account_id, span, starts, quote_literal(id), s.requests, s.charged, r.requests, r.charged)
  from rightful r full join present s using (account_id, span, starts, id)
  where (${counted.map((column) => `r.${column}`).join(", ")}, r.more, r.estimated)
    is distinct from (${counted.map((column) => `s.${column}`).join(", ")}, s.more, s.estimated)`;
}

/** That no sums are said to have entries which an account's ledger has not. */
const beyondLedger = (marks: string): string => `
   select format('account %s: entry %s is said to be in the sums, its ledger has %s', f.account_id, f.folded_seq,
     coalesce(a.ledger_seq, 0))
   from ${marks} f left join billing.account a on a.account_id = f.account_id
   where f.folded_seq > coalesce(a.ledger_seq, 0)`;

/** Statements that select a line for each sum of usage that is wrong. */
export const wrongUsageSums: readonly string[] = [
  ...kept.map(wrongSums),
  `select format('account %s detail %s: no such sums are kept', account_id, detail)
   from billing.usage_sum where detail not in (${kept.map(({ detail }) => detail).join(", ")})`,
  wrongLabels("user"),
  wrongLabels("tag"),
  beyondLedger("billing.usage_fold"),
  beyondLedger("billing.label_fold"),
];
