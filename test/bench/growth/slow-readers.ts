import { closedLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest } from "../load/request.ts";
import { holdUnread } from "../measure/unread.ts";
import { crowdNames, startForCrowd, usualStream } from "../subjects/crowd.ts";
import type { Ground } from "../subjects/ground.ts";
import type { GrowthPlan, Point } from "./curves.ts";

/** Streams whose clients do not read: memory of each, and what they do to 50 usual streams beside them. */
export async function slowReaders(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  const points: Point[] = [];
  for (const name of crowdNames) {
    const subject = await startForCrowd(ground, name, plan.warmUp);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => subject.stop());
    const usual = async () => {
      const request = chatRequest(subject.target, usualStream);
      return must(subject, await closedLoop(subject.target, 50, { forMs: plan.pointMs }, () => request));
    };
    await usual();
    const alone = await usual();
    for (const x of plan.slowReaders) {
      const unread = await holdUnread(subject, x);
      const beside = await usual();
      await unread.close();
      points.push({
        series: subject.name,
        x,
        values: {
          memoryMb: unread.memoryMb,
          kbPerStream: unread.kbPerStream,
          aloneP50Ms: alone.latency.at(0.5),
          besideP50Ms: beside.latency.at(0.5),
        },
      });
    }
  }
  return points;
}
