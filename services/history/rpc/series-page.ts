import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GetTimeseriesResponseSchema, TimePoint } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { labelledTimeseries } from "../db/labelled-timeseries.ts";
import { type PartRow, timeseries } from "../db/timeseries.ts";
import { mostLabelPoints } from "../domain/label-bounds.ts";
import { comparePoints, type Grouping, isByLabel } from "../domain/points.ts";
import { firstSteps, nextSteps, unixMsOf } from "../domain/step-windows.ts";
import { firstId, type IdRange } from "../domain/times.ts";
import type { Filter } from "./filter.ts";
import { pointsOf } from "./points.ts";

type Asked = Omit<Filter, "ranges"> & { readonly stepMs: number; readonly groupBy: Grouping };

/**
 * The points of a range that no sums are kept for, read from the records. They are read some steps at a time; a page ends with a step when it
 * has taken its time, or has as many points as one answer may have.
 */
export async function readPage(
  { summingReader, pacing, seriesPageMs }: Pick<HistoryContext, "summingReader" | "pacing" | "seriesPageMs">,
  range: IdRange,
  asked: Asked,
): Promise<MessageInitShape<typeof GetTimeseriesResponseSchema>> {
  const startMs = performance.now();
  const pace = pacing.pace();
  const points: TimePoint[] = [];
  let left = range;
  for (let steps = 1; left.from < left.to; ) {
    const tookFromMs = performance.now();
    const window = firstSteps(left, { steps, stepMs: asked.stepMs });
    const { rows, next } = wholeSteps(await read(summingReader, window, asked), window);
    steps = nextSteps(steps, { tookMs: performance.now() - tookFromMs, pageMs: seriesPageMs });
    // A row is a point, and each is made by itself: there may be many, and their latencies take a kilobyte each.
    const found: TimePoint[] = [];
    for (const row of rows) found.push(...(await pointsOf([row], pace)));
    for (const point of found.sort(comparePoints)) points.push(point);
    left = { from: next, to: range.to };
    const isFull = points.length >= mostLabelPoints || performance.now() - startMs > seriesPageMs;
    if (isFull && left.from < left.to) return { points, nextFromUnixMs: BigInt(unixMsOf(left.from)) };
  }
  return { points };
}

function read(db: HistoryContext["summingReader"], range: IdRange, asked: Asked): Promise<PartRow[]> {
  const { scope, statuses, scan: filter, groupBy, stepMs } = asked;
  const summed = { scope, range, statuses, filter };
  if (isByLabel(groupBy)) return labelledTimeseries(db, summed, { stepMs, groupBy });
  if ((filter.labels ?? []).length > 0) return labelledTimeseries(db, summed, { stepMs, groupBy });
  return timeseries(db, summed, { stepMs, groupBy });
}

/** What was read of a window, and where the next one begins: where there were too many points, the last step is not whole. */
function wholeSteps(rows: readonly PartRow[], window: IdRange): { rows: readonly PartRow[]; next: bigint } {
  const last = rows[mostLabelPoints];
  if (last === undefined) return { rows, next: window.to };
  const whole = rows.filter(({ at_unix_ms }) => at_unix_ms < last.at_unix_ms);
  if (whole.length === 0) {
    throw new ThroughlineError("invalid_value", `One step has more than ${mostLabelPoints} points; ask for less.`, {
      param: "from",
    });
  }
  return { rows: whole, next: firstId(last.at_unix_ms) };
}
