import { create } from "@bufbuild/protobuf";
import { type TimePoint, TimePointSchema } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Pace } from "../../../shared/pace.ts";
import type { PartRow } from "../db/timeseries.ts";
import { addPart, comparePoints, type Point, percentilesMs } from "../domain/points.ts";

/** The points of all rows, by time, then group. */
export async function pointsOf(rows: readonly PartRow[], pace: Pace): Promise<TimePoint[]> {
  const parts = new Map<string, Point>();
  for (const row of rows) {
    const others = pace();
    if (others !== undefined) await others;
    addPart(parts, row);
  }
  const points: TimePoint[] = [];
  for (const part of [...parts.values()].sort(comparePoints)) {
    const others = pace();
    if (others !== undefined) await others;
    // Records that were deleted since they were summed up are taken off, so nothing may be left of a group.
    if (part.requests > 0n) points.push(toPoint(part));
  }
  return points;
}

function toPoint({ latencies, ...point }: Point): TimePoint {
  return create(TimePointSchema, { ...point, ...percentilesMs({ latencies }) });
}
