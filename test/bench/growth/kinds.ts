import { closedLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { otherRequest } from "../load/request.ts";
import type { Ground } from "../subjects/ground.ts";
import { direct } from "../subjects/others.ts";
import { throughline } from "../subjects/throughline.ts";
import { type OtherKind, otherKinds } from "../upstream/answers.ts";
import type { GrowthPlan, Point } from "./curves.ts";
import { loadPoint } from "./point.ts";

const titles: Readonly<Record<OtherKind, string>> = {
  embedding: "a vector of 1,536",
  speech: "an MP3 of 5 MB",
  transcript: "an upload of 25 MiB",
};

/** Requests before a point is believed, at most: an upload takes as long as hundreds of vectors. */
const warmUps: Readonly<Record<OtherKind, number>> = { embedding: 2_000, speech: 30, transcript: 15 };

/** Work that is no chat: many small answers, large answers, large uploads. */
export async function kinds(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  await using undo = new AsyncDisposableStack();
  const subjects = [
    direct(ground),
    await throughline(ground, { name: "up", mode: "up", sampled: 0.01, starts: 0 }),
    await throughline(ground, { name: "mesh", mode: "mesh", sampled: 0.01, starts: 0 }),
  ];
  for (const subject of subjects) undo.defer(() => subject.stop());
  const points: Point[] = [];
  for (const kind of otherKinds) {
    for (const subject of subjects) {
      const request = otherRequest(subject.target, kind);
      const count = Math.min(warmUps[kind], plan.warmUp);
      must(subject, await closedLoop(subject.target, 8, { count }, () => request));
      for (const x of plan.kinds[kind]) {
        const values = await loadPoint(subject, x, plan.pointMs, () => request);
        points.push({ series: `${titles[kind]}: ${subject.name}`, x, values });
      }
    }
  }
  return points;
}
