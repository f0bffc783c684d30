import { type Database, type Statement, statement } from "../../../shared/db/index.ts";
import { requestIdEpochMs } from "../../../shared/request-id.ts";
import { createParameters, type Walk, walkSql } from "./branches.ts";
import { conditionsOf, type ScanFilter } from "./scan.ts";

/** What points may be grouped by. */
export type Grouping = "" | "model" | "channel" | "key" | "status";

/** One step of one group. */
export interface PointRow {
  at_unix_ms: bigint;
  group_name: string;
  requests: bigint;
  errors: bigint;
  input_tokens: bigint;
  output_tokens: bigint;
  billed_nano_usd: bigint;
  p50_us: bigint;
  p99_us: bigint;
}

const groupColumn: Readonly<Record<Grouping, string>> = {
  "": "''",
  model: "term.value ->> 'model'",
  channel: "term.value ->> 'channel'",
  key: "key_id::text",
  status: "case status when 4 then 'succeeded' else 'failed' end",
};

const columns = [
  "request_id, status, shape_id, outcome_id, key_id, coalesce(duration_us, 0) as duration_us",
  "coalesce(input_tokens, 0) + coalesce(cached_input_tokens, 0) + coalesce(cache_write_tokens, 0) as input_tokens",
  "coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0) as output_tokens",
  "coalesce(billed_nano_usd, 0) as billed_nano_usd",
].join(", ");

const prepared = new Map<string, Statement>();

/** Sums up the ended requests of a walk, by step and group. */
export async function timeseries(
  db: Pick<Database<unknown>, "query">,
  walk: Walk,
  { filter, stepMs, groupBy }: { filter: ScanFilter; stepMs: number; groupBy: Grouping },
): Promise<PointRow[]> {
  const parameters = createParameters();
  const walked = walkSql(walk, parameters, { columns, limit: undefined });
  if (walked === undefined) return [];
  const { add } = parameters;
  const step = add(stepMs, "bigint");
  const conditions = conditionsOf(filter, parameters);
  const sql = `select ((request_id >> 22) + ${requestIdEpochMs}) / ${step} * ${step} as at_unix_ms,
      ${groupColumn[groupBy]} as group_name, count(*) as requests, count(*) filter (where status = 5) as errors,
      sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
      sum(billed_nano_usd)::bigint as billed_nano_usd,
      percentile_disc(0.5) within group (order by duration_us) as p50_us,
      percentile_disc(0.99) within group (order by duration_us) as p99_us
     from (${walked}) as walked ${groupBy === "model" || groupBy === "channel" ? "join history.term on term.id = shape_id" : ""}
     ${conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`}
    group by 1, 2 order by 1, 2`;
  const known = prepared.get(sql) ?? statement(`history.series.${prepared.size}`, sql, { idempotent: true });
  prepared.set(sql, known);
  return db.query<PointRow>(known, parameters.values);
}
