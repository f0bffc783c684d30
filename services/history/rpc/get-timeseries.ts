import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type GetTimeseriesRequest,
  type TimePoint,
  TimePointSchema,
  TimeStep,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { type Grouping, type PointRow, timeseries } from "../db/timeseries.ts";
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
    const walk = { scope: filter.scope, range, statuses, fromAppserver: undefined, afterFirst: false, ascending: true };
    const rows = await timeseries(context.reader, walk, { filter: filter.scan, stepMs: step, groupBy });
    points.push(...rows.map(toPoint));
  }
  return { points };
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

function toPoint(row: PointRow): TimePoint {
  return create(TimePointSchema, {
    atUnixMs: row.at_unix_ms,
    group: row.group_name,
    requests: row.requests,
    errors: row.errors,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    billedNanoUsd: row.billed_nano_usd,
    p50Ms: toMs(row.p50_us),
    p99Ms: toMs(row.p99_us),
  });
}

function toMs(us: bigint): bigint {
  return (us + 500n) / 1_000n;
}
