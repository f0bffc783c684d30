import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type GetTimeseriesRequest,
  type GetTimeseriesResponseSchema,
  TimeStep,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { type PartRow, summedTimeseries, timeseries } from "../db/timeseries.ts";
import { type DaysAsked, summedDays } from "../db/usage-days.ts";
import { dimensionsOf } from "../db/usage-grains.ts";
import { summedHours } from "../db/usage-hours.ts";
import { dayMs, hourMs, hoursOfDays, wholeDays, wholeHours, withoutHours } from "../domain/hours.ts";
import { type Grouping, groupings, isByLabel, type PlainGrouping } from "../domain/points.ts";
import type { IdRange } from "../domain/times.ts";
import { type Filter, readFilter } from "./filter.ts";
import { pointsOf } from "./points.ts";
import { readPage } from "./series-page.ts";

const stepMs: Readonly<Record<TimeStep, number>> = {
  [TimeStep.UNSPECIFIED]: 3_600_000,
  [TimeStep.MINUTE]: 60_000,
  [TimeStep.HOUR]: 3_600_000,
  [TimeStep.DAY]: dayMs,
};
const maxSteps = 1_500;
const endedStatuses = [4, 5];

/** Requests, errors, tokens, cost and latency over time; only requests that have ended count. */
export async function getTimeseries(
  context: HistoryContext,
  request: GetTimeseriesRequest,
): Promise<MessageInitShape<typeof GetTimeseriesResponseSchema>> {
  const step = stepMs[request.step] ?? 3_600_000;
  const groupBy = groupingOf(request.groupBy);
  checkTimes(request, step);
  if (request.after !== undefined && (!isByLabel(groupBy) || request.after.group.includes("\0"))) {
    throw new ThroughlineError("invalid_value", "after must be the next_after of a page by user or tag.", {
      param: "after",
    });
  }
  const filter = await readFilter(context.terms, request.owner, request.filter);
  const statuses = endedStatuses.filter((status) => filter.statuses.length === 0 || filter.statuses.includes(status));
  const asked = { ...filter, statuses, stepMs: step };
  const ranges = statuses.length === 0 ? [] : filter.ranges;
  const [range] = ranges;
  if (range === undefined) return { points: [] };
  if (isByLabel(groupBy) || (ranges.length === 1 && summedScope(asked) === undefined)) {
    return readPage(context, range, { ...asked, groupBy, after: request.after });
  }
  const rows: PartRow[] = [];
  for (const part of ranges) {
    for (const row of await rowsOf(context, part, { ...asked, groupBy })) rows.push(row);
  }
  return { points: await pointsOf(rows, context.pacing.pace()) };
}

type Asked = Omit<Filter, "ranges"> & { readonly stepMs: number; readonly groupBy: PlainGrouping };

/**
 * The sums of a range: of its days that are summed up already, of its other hours that are, and of the records in the rest
 * of it.
 */
async function rowsOf({ summingReader }: HistoryContext, range: IdRange, asked: Asked): Promise<PartRow[]> {
  const { scope, statuses, scan } = asked;
  const summed = summedScope(asked);
  if (summed === undefined) return timeseries(summingReader, { scope, range, statuses, filter: scan }, asked);
  const { accountId, keyId } = summed;
  const filter = { ...scan, ...(keyId === undefined ? {} : { keyId }) };
  const dimensions = dimensionsOf(asked.named, asked.groupBy, filter);
  const { days, rows } = await daysOf(summingReader, { ...asked, accountId, range, filter, dimensions });
  const hours = await summedHours(summingReader, accountId, {
    ...wholeHours(range),
    withoutDays: days,
    dimensions,
  });
  if (hours.length > 0) {
    rows.push(...(await summedTimeseries(summingReader, { accountId, hours, statuses, filter, dimensions }, asked)));
  }
  for (const left of withoutHours(range, [...hours, ...hoursOfDays(days)])) {
    rows.push(...(await timeseries(summingReader, { scope, range: left, statuses, filter: scan }, asked)));
  }
  return rows;
}

async function daysOf(
  reader: HistoryContext["summingReader"],
  asked: Omit<DaysAsked, "range"> & { readonly range: IdRange; readonly stepMs: number },
): Promise<{ days: number[]; rows: PartRow[] }> {
  if (asked.stepMs !== dayMs) return { days: [], rows: [] };
  return summedDays(reader, { ...asked, range: wholeDays(asked.range) });
}

/** Where sums of whole hours can answer: not by the minute, for one user, or of what bears a label. */
function summedScope({
  scope,
  scan,
  stepMs: step,
}: Pick<Asked, "scope" | "scan" | "stepMs">): { accountId: bigint; keyId?: bigint } | undefined {
  const isOfLabels = (scan.labels ?? []).length > 0;
  if (step < hourMs || scan.userId !== undefined || scope.kind === "user" || isOfLabels) return undefined;
  if (scope.kind === "operator") return { accountId: 0n };
  return { accountId: scope.accountId, ...(scope.kind === "key" ? { keyId: scope.keyId } : {}) };
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
  if (text === "") return text;
  const known = groupings.find((grouping) => grouping === text);
  if (known !== undefined) return known;
  throw new ThroughlineError("invalid_value", `group_by must be one of ${groupings.join(", ")}.`, {
    param: "group_by",
  });
}
