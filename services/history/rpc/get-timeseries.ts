import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type GetTimeseriesRequest,
  type TimePoint,
  TimePointSchema,
  TimeStep,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { type BucketRow, type Grouping, timeseries } from "../db/timeseries.ts";
import { percentileUs } from "../domain/latency.ts";
import { readFilter } from "./filter.ts";

const stepMs: Readonly<Record<TimeStep, number>> = {
  [TimeStep.UNSPECIFIED]: 3_600_000,
  [TimeStep.MINUTE]: 60_000,
  [TimeStep.HOUR]: 3_600_000,
  [TimeStep.DAY]: 86_400_000,
};
const maxSteps = 1_500;
const endedStatuses = [4, 5];

/** Requests, errors, tokens, cost and latency over time; only requests that have ended count. */
export async function getTimeseries(
  context: HistoryContext,
  request: GetTimeseriesRequest,
): Promise<{ points: TimePoint[] }> {
  const step = stepMs[request.step] ?? 3_600_000;
  const groupBy = groupingOf(request.groupBy);
  checkTimes(request, step);
  const filter = await readFilter(context.terms, request.owner, request.filter);
  const statuses = endedStatuses.filter((status) => filter.statuses.length === 0 || filter.statuses.includes(status));
  const points: TimePoint[] = [];
  for (const range of statuses.length === 0 ? [] : filter.ranges.toReversed()) {
    const rows = await timeseries(
      context.reader,
      { scope: filter.scope, range, statuses, filter: filter.scan },
      { stepMs: step, groupBy },
    );
    points.push(...[...pointsOf(rows)].map(toPoint));
  }
  return { points };
}

/** The rows of each step and group, which follow each other. */
function* pointsOf(rows: readonly BucketRow[]): Generator<BucketRow[]> {
  let point: BucketRow[] = [];
  for (const row of rows) {
    const [first] = point;
    if (first !== undefined && (first.at_unix_ms !== row.at_unix_ms || first.group_name !== row.group_name)) {
      yield point;
      point = [];
    }
    point.push(row);
  }
  if (point.length > 0) yield point;
}

function checkTimes({ filter }: GetTimeseriesRequest, step: number): void {
  const from = filter?.fromUnixMs ?? 0n;
  const to = filter?.toUnixMs ?? 0n;
  if (from <= 0n || to <= from) {
    throw new ThroughlineError("invalid_value", "from and to are required, and from must be before to.", {
      param: "from",
    });
  }
  if ((to - from + BigInt(step) - 1n) / BigInt(step) > maxSteps) {
    throw new ThroughlineError("invalid_value", `The time range has more than ${maxSteps} steps.`, { param: "step" });
  }
}

function groupingOf(text: string): Grouping {
  if (text === "" || text === "model" || text === "channel" || text === "key" || text === "status") return text;
  throw new ThroughlineError("invalid_value", "group_by must be model, channel, key or status.", { param: "group_by" });
}

function toPoint(rows: readonly BucketRow[]): TimePoint {
  const point = create(TimePointSchema, { atUnixMs: rows[0]?.at_unix_ms ?? 0n, group: rows[0]?.group_name ?? "" });
  for (const row of rows) {
    point.requests += row.requests;
    point.errors += row.errors;
    point.inputTokens += row.input_tokens;
    point.outputTokens += row.output_tokens;
    point.billedNanoUsd += row.billed_nano_usd ?? 0n;
  }
  const buckets = rows.map(({ bucket, requests }) => ({ bucket, count: requests }));
  point.p50Ms = BigInt(Math.round(percentileUs(buckets, 0.5) / 1_000));
  point.p99Ms = BigInt(Math.round(percentileUs(buckets, 0.99) / 1_000));
  return point;
}
