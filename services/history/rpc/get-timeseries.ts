import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type GetTimeseriesRequest,
  type TimePoint,
  TimePointSchema,
  TimeStep,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { type BucketRow, type Grouping, summedTimeseries, timeseries } from "../db/timeseries.ts";
import { summedHours } from "../db/usage-hours.ts";
import { hourMs, wholeHours, withoutHours } from "../domain/hours.ts";
import { percentileUs } from "../domain/latency.ts";
import type { IdRange } from "../domain/times.ts";
import { type Filter, readFilter } from "./filter.ts";

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
  const asked = { ...filter, statuses, stepMs: step, groupBy };
  const rows: BucketRow[] = [];
  for (const range of statuses.length === 0 ? [] : filter.ranges) rows.push(...(await rowsOf(context, range, asked)));
  // What was deleted since its hour was summed up is taken off; nothing may be left of a group.
  return {
    points: pointsOf(rows)
      .map(toPoint)
      .filter((point) => point.requests > 0n),
  };
}

type Asked = Omit<Filter, "ranges"> & { readonly stepMs: number; readonly groupBy: Grouping };

/** The sums of a range: of its hours that are summed up already, and of the records in the rest of it. */
async function rowsOf({ summingReader }: HistoryContext, range: IdRange, asked: Asked): Promise<BucketRow[]> {
  const { scope, statuses, scan } = asked;
  const summed = summedScope(asked);
  const hours = summed === undefined ? [] : await summedHours(summingReader, summed.accountId, wholeHours(range));
  const rows: BucketRow[] = [];
  if (summed !== undefined && hours.length > 0) {
    const filter = { ...scan, ...(summed.keyId === undefined ? {} : { keyId: summed.keyId }) };
    rows.push(
      ...(await summedTimeseries(summingReader, { accountId: summed.accountId, hours, statuses, filter }, asked)),
    );
  }
  for (const left of withoutHours(range, hours)) {
    rows.push(...(await timeseries(summingReader, { scope, range: left, statuses, filter: scan }, asked)));
  }
  return rows;
}

/** Where sums of whole hours can answer: not by the minute, by error or for one user; for all accounts not by key. */
function summedScope({ scope, scan, stepMs: step, groupBy }: Asked): { accountId: bigint; keyId?: bigint } | undefined {
  if (step < hourMs || scan.outcomeIds !== undefined || scan.userId !== undefined || scope.kind === "user")
    return undefined;
  if (scope.kind === "operator") return groupBy === "key" || scan.keyId !== undefined ? undefined : { accountId: 0n };
  return { accountId: scope.accountId, ...(scope.kind === "key" ? { keyId: scope.keyId } : {}) };
}

/** The rows of each step and group, by time, then group. */
function pointsOf(rows: readonly BucketRow[]): BucketRow[][] {
  const points = new Map<string, BucketRow[]>();
  for (const row of rows) {
    const name = `${row.at_unix_ms} ${row.group_name}`;
    const point = points.get(name);
    if (point === undefined) points.set(name, [row]);
    else point.push(row);
  }
  return [...points.values()].sort(([a], [b]) => compare(a, b));
}

function compare(a: BucketRow | undefined, b: BucketRow | undefined): number {
  if (a === undefined || b === undefined) return 0;
  if (a.at_unix_ms !== b.at_unix_ms) return a.at_unix_ms < b.at_unix_ms ? -1 : 1;
  return a.group_name < b.group_name ? -1 : 1;
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
    point.errors += row.errors ?? 0n;
    point.inputTokens += row.input_tokens;
    point.outputTokens += row.output_tokens;
    point.billedNanoUsd += row.billed_nano_usd ?? 0n;
  }
  const buckets = rows.map(({ bucket, requests }) => ({ bucket, count: requests }));
  point.p50Ms = BigInt(Math.round(percentileUs(buckets, 0.5) / 1_000));
  point.p99Ms = BigInt(Math.round(percentileUs(buckets, 0.99) / 1_000));
  return point;
}
