import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type GetTimeseriesRequest,
  type GetTimeseriesResponseSchema,
  TimeStep,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import type { PartRow } from "../db/timeseries.ts";
import { dayMs } from "../domain/hours.ts";
import { type Grouping, groupings, isByLabel } from "../domain/points.ts";
import { readFilter } from "./filter.ts";
import { pointsOf } from "./points.ts";
import { readPage } from "./series-page.ts";
import { rowsOf } from "./summed-rows.ts";

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
  if (isByLabel(groupBy) || ranges.length === 1) {
    return readPage(context, range, { ...asked, groupBy, after: request.after });
  }
  const rows: PartRow[] = [];
  for (const part of ranges) {
    for (const row of await rowsOf(context.summingReader, part, { ...asked, groupBy })) rows.push(row);
  }
  return { points: await pointsOf(rows, context.pacing.pace()) };
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
