import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GetTimeseriesResponseSchema, TimePoint } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { labelledTimeseries } from "../db/labelled-timeseries.ts";
import type { PartRow } from "../db/timeseries.ts";
import { mostLabelPoints } from "../domain/label-bounds.ts";
import { type Grouping, type GroupPlace, isByLabel } from "../domain/points.ts";
import { firstSteps, nextSteps, unixMsOf } from "../domain/step-windows.ts";
import { firstId, higher, type IdRange } from "../domain/times.ts";
import type { Filter } from "./filter.ts";
import { pointsOf } from "./points.ts";
import { rowsOf, summedScope } from "./summed-rows.ts";

type Asked = Omit<Filter, "ranges"> & {
  readonly stepMs: number;
  readonly groupBy: Grouping;
  /** The first step has only the groups behind this one; undefined: all. */
  readonly after: GroupPlace | undefined;
};

type PageContext = Pick<HistoryContext, "summingReader" | "pacing" | "seriesPageMs" | "seriesPagePoints">;

/** Steps that are read first where there are sums of them: hours by model take up to 3 ms each. Else one may be all that a page has time for. */
const firstSummed = 8;

/**
 * The points of a range, read some steps at a time from sums that are kept or from the records; a page ends when it has taken its
 * time, or would before the next steps are read. By label it ends within a step where it has its points.
 */
export async function readPage(
  { summingReader, pacing, seriesPageMs, seriesPagePoints }: PageContext,
  range: IdRange,
  asked: Asked,
): Promise<MessageInitShape<typeof GetTimeseriesResponseSchema>> {
  const startMs = performance.now();
  const pace = pacing.pace();
  const points: TimePoint[] = [];
  const most = isByLabel(asked.groupBy) ? seriesPagePoints : mostLabelPoints;
  let left: Left = { range, after: asked.after };
  for (let steps = hasSums(asked) ? firstSummed : 1; left.range.from < left.range.to; ) {
    const window = firstSteps(left.range, { steps, stepMs: asked.stepMs });
    const room = most - points.length;
    const tookFromMs = performance.now();
    const { rows, next } = cut(await read(summingReader, window, { ...asked, after: left.after, room }), {
      ...{ window, room, within: isByLabel(asked.groupBy) },
    });
    for (const point of await pointsOf(rows, pace)) points.push(point);
    const nowMs = performance.now();
    left = { range: { from: next.from, to: range.to }, after: next.after };
    const leftMs = seriesPageMs - (nowMs - startMs);
    const isEmpty = points.length === 0;
    steps = nextSteps(window, { stepMs: asked.stepMs, tookMs: nowMs - tookFromMs, leftMs, isEmpty });
    if (left.range.from < left.range.to && (steps === 0 || points.length >= most || left.after !== undefined)) {
      return { points, nextFromUnixMs: BigInt(unixMsOf(left.range.from)), ...nextAfter(left) };
    }
  }
  return { points };
}

function hasSums(asked: Asked): boolean {
  return !isByLabel(asked.groupBy) && summedScope(asked) !== undefined;
}

/** What is still to be read. */
interface Left {
  readonly range: IdRange;
  readonly after: GroupPlace | undefined;
}

const nextAfter = ({ after }: Left) => (after === undefined ? {} : { nextAfter: after });

async function read(
  db: HistoryContext["summingReader"],
  range: IdRange,
  asked: Asked & { readonly room: number },
): Promise<PartRow[]> {
  const { scope, statuses, scan: filter, groupBy, stepMs, after, room } = asked;
  const summed = { scope, range, statuses, filter };
  if (isByLabel(groupBy)) return labelledTimeseries(db, summed, { stepMs, groupBy, after, most: room });
  if ((filter.labels ?? []).length > 0) return labelledTimeseries(db, summed, { stepMs, groupBy });
  const rows = await rowsOf(db, range, { ...asked, groupBy });
  return rows.sort((a, b) => Number(a.at_unix_ms - b.at_unix_ms));
}

interface Bounds {
  readonly window: IdRange;
  /** Most rows. */
  readonly room: number;
  /** Whether they may end within a step. */
  readonly within: boolean;
}

/** As many rows of a window as there is room for, and where the next ones begin. */
function cut(
  rows: readonly PartRow[],
  { window, room, within }: Bounds,
): { rows: readonly PartRow[]; next: { readonly from: bigint; readonly after?: GroupPlace } } {
  const beyond = rows[room];
  if (beyond === undefined) return { rows, next: { from: window.to } };
  // The time that is asked for may begin within its first step.
  const from = higher(window.from, firstId(beyond.at_unix_ms));
  const fitting = rows.slice(0, room);
  const last = fitting.at(-1);
  if (last === undefined || last.at_unix_ms < beyond.at_unix_ms) return { rows: fitting, next: { from } };
  if (within) return { rows: fitting, next: { from, after: { group: last.group_name, other: last.other ?? false } } };
  const whole = fitting.filter(({ at_unix_ms }) => at_unix_ms < beyond.at_unix_ms);
  if (whole.length === 0) {
    throw new ThroughlineError("invalid_value", `One step has more than ${room} points; ask for less.`, {
      param: "from",
    });
  }
  return { rows: whole, next: { from } };
}
