import type { Database } from "../../../shared/db/index.ts";
import { requestIdEpochMs } from "../../../shared/request-id.ts";
import { mostLabelsIn } from "../domain/label-bounds.ts";
import { type GroupPlace, isByLabel, type LabelGrouping, type PlainGrouping } from "../domain/points.ts";
import { firstStepMs } from "../domain/step-windows.ts";
import { createParameters, type Parameters, scopeConditions } from "./branches.ts";
import { labelKinds, type WantedLabel } from "./labels.ts";
import { conditionsOf } from "./scan.ts";
import { bucketsTogether, conditionsOfEnded, groupColumn, named, type PartRow, type Summed } from "./timeseries.ts";
import { addedNamedSql, bucketSql, inputTokensSql, outputTokensSql } from "./usage-sql.ts";

interface Kind {
  readonly kind: number;
  /** The label of a request that has no row of it: records from before there were labels have their end user as a column. */
  readonly otherwise: string;
}

const kindOf: Readonly<Record<LabelGrouping, Kind>> = {
  user: { kind: labelKinds.endUser, otherwise: "coalesce(x.user_id, '')" },
  tag: { kind: labelKinds.tag, otherwise: "''" },
};

/** Points by label, part of them. */
interface LabelPage {
  readonly stepMs: number;
  readonly groupBy: LabelGrouping;
  /** Leaves out the groups of the first step up to and including this one; undefined: none is left out. */
  readonly after: GroupPlace | undefined;
  /** Rows that are wanted; one more says that there are more. */
  readonly most: number;
}

type Points = LabelPage | { readonly stepMs: number; readonly groupBy: PlainGrouping };

const isPage = (asked: Points): asked is LabelPage => isByLabel(asked.groupBy);

/**
 * Sums up ended requests by step, group and bucket of latency where end users or tags are asked for: no sums are kept of these, so records
 * are read, those with the label by its index and otherwise those of the scope. Each step and group comes once. By tag a request counts with each of its tags.
 */
export async function labelledTimeseries(
  db: Pick<Database<unknown>, "query">,
  summed: Summed,
  asked: Points,
): Promise<PartRow[]> {
  const parameters = createParameters();
  const { stepMs } = asked;
  const step = parameters.add(stepMs, "bigint");
  const [label, ...others] = summed.filter.labels ?? [];
  const found = label === undefined ? recordsOf(summed, parameters) : recordsWith(label, others, summed, parameters);
  const at = `((x.request_id >> 22) + ${requestIdEpochMs}) / ${step} * ${step}`;
  const sql = isPage(asked)
    ? byLabel(found, at, parameters, {
        ...kindOf[asked.groupBy],
        toldApart: mostLabelsIn(stepMs),
        labels: labelsOf(summed, label),
        wanted: behind(asked.after, firstStepMs(summed.range, stepMs), parameters),
        most: asked.most,
      })
    : bucketsTogether(
        asked.groupBy,
        `select ${at} as at_unix_ms, ${groupColumn[asked.groupBy]} as member, ${sumsOf("x.status")} ${found} group by 1, 2, 3`,
      );
  return db.query<PartRow>(named(sql), parameters.values);
}

const sumsOf = (status: string): string => `${bucketSql}::integer as bucket, count(*) as requests,
  count(*) filter (where ${status} = 5) as errors, sum(${inputTokensSql}) as input_tokens,
  sum(${outputTokensSql}) as output_tokens, sum(billed_nano_usd) as billed_nano_usd`;

/** The records of the scope, as `x`. */
function recordsOf(summed: Summed, parameters: Parameters): string {
  return `from history.record x where ${conditionsOfEnded(summed, parameters).join(" and ")}`;
}

/** The records with a label, as `x`: along the index of the label, each looked up by its ID. */
function recordsWith(
  { hash, value }: WantedLabel,
  labels: readonly WantedLabel[],
  { scope, range, statuses, filter }: Summed,
  parameters: Parameters,
): string {
  const { add } = parameters;
  const from = add(range.from, "bigint");
  const to = add(range.to, "bigint");
  const account = scope.kind === "operator" ? "" : `and l.account_id = ${add(scope.accountId, "bigint")}`;
  const conditions = [
    "x.request_id = w.request_id",
    `x.request_id >= ${from} and x.request_id < ${to}`,
    `x.status = any(${add(statuses, "smallint[]")})`,
    ...scopeConditions(scope, add),
    ...conditionsOf({ ...filter, labels }, parameters, "x.request_id"),
  ];
  // The offset keeps PostgreSQL from joining the whole partition of records instead.
  return `from (select l.request_id from history.label l where l.hash = ${add(hash, "bigint")} and l.value = ${add(value, "text")}
      ${account} and l.request_id >= ${from} and l.request_id < ${to}) w
    cross join lateral (select x.* from history.record x where ${conditions.join(" and ")} offset 0) x`;
}

type LabelsSql = (kind: string, parameters: Parameters) => string;

/**
 * The labels of a kind of the records `x`, as `g`. Of those with another label each is looked up; of a whole scope they are joined with the labels of
 * the time, for a look for each of 2.2 million records took 28 s where this takes 7.
 */
function labelsOf({ range }: Summed, label: WantedLabel | undefined): LabelsSql {
  if (label !== undefined) {
    return (kind) => `left join lateral (select l.value from history.label l
        where l.request_id = x.request_id and l.kind = ${kind} offset 0) g on true`;
  }
  return (kind, { add }) => `left join (select l.request_id, l.value from history.label l
        where l.kind = ${kind} and l.request_id >= ${add(range.from, "bigint")} and l.request_id < ${add(range.to, "bigint")}) g
        on g.request_id = x.request_id`;
}

/** Which points are wanted: of the first step those behind a group. */
function behind(after: GroupPlace | undefined, firstMs: number, { add }: Parameters): string {
  if (after === undefined) return "true";
  const place = `${add(after.group, "text")}, ${add(after.other, "boolean")}`;
  return `(at_unix_ms > ${add(firstMs, "bigint")} or (group_name, other) > (${place}))`;
}

/**
 * By the labels of a kind. Of each account and step those are told apart that came first; requests without one have the empty name and are
 * no part of the others. Which came first is told by windows over what was counted: joined to a list of them, whose length PostgreSQL
 * cannot know, each was compared with each in some plans, and a day of 49,000 records took 11 s.
 */
function byLabel(
  found: string,
  at: string,
  parameters: Parameters,
  {
    kind,
    otherwise,
    toldApart,
    labels,
    wanted,
    most,
  }: Kind & {
    readonly toldApart: number;
    readonly labels: LabelsSql;
    readonly wanted: string;
    readonly most: number;
  },
): string {
  const { add } = parameters;
  return `
    with counted as (
      select ${at} as at_unix_ms, x.account_id, coalesce(g.value, ${otherwise}) as member, min(x.request_id) as first, ${sumsOf("x.status")}
      from (select x.* ${found}) x
      ${labels(add(kind, "smallint"), parameters)}
      group by 1, 2, 3, bucket
    ), begun as (
      select c.*, min(first) over (partition by at_unix_ms, account_id, member) as began from counted c
    ), told as (
      select b.*, member <> ''
        and dense_rank() over (partition by at_unix_ms, account_id, member = '' order by began, member) > ${add(toldApart, "bigint")} as other
      from begun b
    )
    select at_unix_ms, group_name, other, sum(requests)::bigint as requests, sum(errors)::bigint as errors, ${addedNamedSql},
      array_agg(bucket)::text as buckets, array_agg(requests::bigint)::text as counts
    from (select t.*, case when other then '' else member end as group_name from told t) as grouped
    where ${wanted} group by 1, 2, 3 order by 1, 2, 3 limit ${add(most + 1, "bigint")}`;
}
