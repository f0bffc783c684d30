import { type Database, integerArray, type Statement, statement } from "../../../shared/db/index.ts";
import { moduleNames, moduleOf } from "../../../shared/modules.ts";
import { requestIdEpochMs } from "../../../shared/request-id.ts";
import type { Scope } from "../domain/owner.ts";
import type { Part, PlainGrouping } from "../domain/points.ts";
import type { IdRange } from "../domain/times.ts";
import { calledBy, createParameters, type Parameters, scopeConditions } from "./branches.ts";
import { conditionsOf, type ScanFilter } from "./scan.ts";
import { type Dimensions, hourGrain } from "./usage-grains.ts";
import { addedNamedSql, bucketSql, inputTokensSql, outputTokensSql } from "./usage-sql.ts";

/** Requests of one step and group, or a part of them. */
export type PartRow = Part;

/** What is summed up. */
export interface Summed {
  readonly scope: Scope;
  readonly range: IdRange;
  /** One or both of the states of ended requests (4, 5). */
  readonly statuses: readonly number[];
  readonly filter: ScanFilter;
}

/** The first column says what rows are summed by; shape_id becomes a name only after the sums, on far fewer rows. */
export const groupColumn: Readonly<Record<PlainGrouping, string>> = {
  "": "0",
  model: "shape_id",
  channel: "shape_id",
  key: "key_id",
  status: "status",
  module: "shape_id",
};
const moduleCases = moduleNames.map((name) => `when ${moduleOf(name)} then '${name}'`).join(" ");
/** How the first column becomes a name, with `groupJoin`. */
export const groupName: Readonly<Record<PlainGrouping, string>> = {
  "": "''",
  model: "term.value ->> 'model'",
  channel: "term.value ->> 'channel'",
  key: "member::text",
  status: "case member when 4 then 'succeeded' else 'failed' end",
  module: `case (term.value -> 'module')::integer ${moduleCases} else '' end`,
};

/** A join: looked up for each row, the names took 5 s of the 6 for 60 days by model. */
const termJoin = "left join history.term term on term.id = counted.member";
/** What a name is looked up in. */
export const groupJoin: Readonly<Record<PlainGrouping, string>> = {
  "": "",
  model: termJoin,
  channel: termJoin,
  key: "",
  status: "",
  module: termJoin,
};

const prepared = new Map<string, Statement>();

/** Sums up ended requests by step, group and bucket of latency, ordered by step and group. */
export async function timeseries(
  db: Pick<Database<unknown>, "query">,
  summed: Summed,
  { stepMs, groupBy }: { stepMs: number; groupBy: PlainGrouping },
): Promise<PartRow[]> {
  const parameters = createParameters();
  const step = parameters.add(stepMs, "bigint");
  const conditions = conditionsOfEnded(summed, parameters);
  const sql = bucketsTogether(
    groupBy,
    `
      select ((x.request_id >> 22) + ${requestIdEpochMs}) / ${step} * ${step} as at_unix_ms,
        ${groupColumn[groupBy]} as member,
        ${bucketSql}::integer as bucket, count(*) as requests, count(*) filter (where x.status = 5) as errors,
        sum(${inputTokensSql}) as input_tokens, sum(${outputTokensSql}) as output_tokens,
        sum(x.billed_nano_usd) as billed_nano_usd
      from history.record x where ${conditions.join(" and ")}
      group by 1, 2, 3
`,
  );
  return db.query<PartRow>(named(sql), parameters.values);
}

/** The conditions of a scope, its states and a filter on records `x`. */
export function conditionsOfEnded({ scope, range, statuses, filter }: Summed, parameters: Parameters): string[] {
  const { add } = parameters;
  const whose = scopeConditions(scope, add);
  // The conditions are repeated for each quarter of the records, for only so may the planner take the indexes of each; or
  // none, and read whole partitions, where the account is most of them.
  const ofUser = scope.kind === "user" ? ["x.user_id is not null"] : [];
  const quarters = statuses.flatMap((status) =>
    [true, false].map((caller) => [`x.status = ${status}`, calledBy(caller), ...ofUser, ...whose].join(" and ")),
  );
  return [
    `(${quarters.map((quarter) => `(${quarter})`).join(" or ")})`,
    `x.request_id >= ${add(range.from, "bigint")} and x.request_id < ${add(range.to, "bigint")}`,
    ...conditionsOf(filter, parameters),
  ];
}

/** Hours that are summed up, and what is asked of them. `accountId` 0: all accounts together. */
export interface SummedHours {
  readonly accountId: bigint;
  readonly hours: readonly number[];
  readonly statuses: readonly number[];
  readonly filter: ScanFilter;
  readonly dimensions: Dimensions;
}

/** The same sums from hours that are summed up already. */
export async function summedTimeseries(
  db: Pick<Database<unknown>, "query">,
  { accountId, hours, statuses, filter, dimensions }: SummedHours,
  { stepMs, groupBy }: { stepMs: number; groupBy: PlainGrouping },
): Promise<PartRow[]> {
  const parameters = createParameters();
  const { add } = parameters;
  const step = add(stepMs, "bigint");
  const conditions = [
    `account_id = ${add(accountId, "bigint")}`,
    `hour = any(${add(integerArray(hours), "integer[]")})`,
    `status = any(${add(statuses, "smallint[]")})`,
    ...conditionsOf(filter, parameters),
  ].join(" and ");
  const ofGrain = `grain = ${hourGrain(accountId, dimensions)}${dimensions.key ? "" : " and key_id = 0"}`;
  // The sums of a row count once, with the first of its buckets.
  const sums = ["input_tokens", "output_tokens", "billed_nano_usd"];
  const once = (column: string): string => `case when b.place = 1 then ${column} else 0 end as ${column}`;
  const sql = bucketsTogether(
    groupBy,
    `
      select hour::bigint * 3600000 / ${step} * ${step} as at_unix_ms, ${groupColumn[groupBy]} as member, bucket,
        sum(requests) as requests, sum(requests) filter (where status = 5) as errors,
        ${sums.map((column) => `sum(${column}) as ${column}`).join(", ")}
      from (
        select hour, shape_id, key_id, status, b.bucket::integer as bucket, b.count::bigint as requests,
          ${sums.map(once).join(", ")}
        from history.usage_hour, unnest(buckets, counts) with ordinality as b(bucket, count, place)
        where ${ofGrain} and ${conditions}
        union all
        select hour, shape_id, key_id, status, bucket::integer, requests, ${sums.join(", ")}
        from history.usage_change where ${conditions}
      ) as parts
      group by 1, 2, 3
`,
  );
  return db.query<PartRow>(named(sql), parameters.values);
}

/**
 * One row a step and group: the driver takes longer over a row than PostgreSQL over the buckets of it. A bucket may come more
 * than once in a row, where several shapes have one name.
 */
export function bucketsTogether(groupBy: PlainGrouping, counted: string): string {
  return `
    select at_unix_ms, ${groupName[groupBy]} as group_name, sum(requests)::bigint as requests, sum(errors)::bigint as errors,
      ${addedNamedSql}, array_agg(bucket)::text as buckets,
      array_agg(requests::bigint)::text as counts
    from (${counted}) as counted ${groupJoin[groupBy]}
    group by 1, 2 order by 1, 2`;
}

/** A statement of this text, always the same one. */
export function named(sql: string): Statement {
  const known = prepared.get(sql) ?? statement(`history.series.${prepared.size}`, sql, { idempotent: true });
  prepared.set(sql, known);
  return known;
}
