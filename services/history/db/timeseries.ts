import { type Database, type Statement, statement } from "../../../shared/db/index.ts";
import { requestIdEpochMs } from "../../../shared/request-id.ts";
import { createParameters, type Walk, walkSql } from "./branches.ts";
import type { ScanFilter } from "./scan.ts";

/** What points may be grouped by. */
export type Grouping = "" | "model" | "channel" | "key" | "status";

/** One step of one group. */
export interface PointRow {
  at_unix_ms: bigint;
  /** Id of history.term for model and channel, the number itself for key and status, 0 where not grouped. */
  group_key: bigint;
  requests: bigint;
  errors: bigint;
  input_tokens: bigint;
  output_tokens: bigint;
  billed_nano_usd: bigint;
  p50_us: bigint;
  p99_us: bigint;
}

const groupColumn: Readonly<Record<Grouping, string>> = {
  "": "0",
  model: "model_id",
  channel: "channel_id",
  key: "key_id",
  status: "status",
};

const columns = [
  "request_id, status, model_id, channel_id, error_id, key_id, coalesce(duration_us, 0) as duration_us",
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
  const conditions: string[] = [];
  if (filter.modelId !== undefined) conditions.push(`model_id = ${add(filter.modelId, "integer")}`);
  if (filter.channelId !== undefined) conditions.push(`channel_id = ${add(filter.channelId, "integer")}`);
  if (filter.errorId !== undefined) conditions.push(`error_id = ${add(filter.errorId, "integer")}`);
  if (filter.keyId !== undefined) conditions.push(`key_id = ${add(filter.keyId, "bigint")}`);
  const sql = `select ((request_id >> 22) + ${requestIdEpochMs}) / ${step} * ${step} as at_unix_ms,
      ${groupColumn[groupBy]}::bigint as group_key, count(*) as requests, count(*) filter (where status = 5) as errors,
      sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
      sum(billed_nano_usd)::bigint as billed_nano_usd,
      percentile_disc(0.5) within group (order by duration_us) as p50_us,
      percentile_disc(0.99) within group (order by duration_us) as p99_us
     from (${walked}) as walked ${conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`}
    group by 1, 2 order by 1, 2`;
  const known = prepared.get(sql) ?? statement(`history.series.${prepared.size}`, sql, { idempotent: true });
  prepared.set(sql, known);
  return db.query<PointRow>(known, parameters.values);
}
