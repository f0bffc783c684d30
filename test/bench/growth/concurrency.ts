import { closedLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest } from "../load/request.ts";
import type { Ground } from "../subjects/ground.ts";
import { floor, peer } from "../subjects/others.ts";
import { throughline } from "../subjects/throughline.ts";
import type { GrowthPlan, Point } from "./curves.ts";
import { loadPoint } from "./point.ts";

/** Requests a second and latency against requests at a time. */
export async function concurrency(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  await using undo = new AsyncDisposableStack();
  const subjects = [
    await floor(ground, 1),
    await peer(ground, 1),
    await throughline(ground, { name: "up", mode: "up", sampled: 0.01, starts: 0 }),
    await throughline(ground, { name: "mesh", mode: "mesh", sampled: 0.01, starts: 0 }),
  ];
  for (const subject of subjects) undo.defer(() => subject.stop());
  const points: Point[] = [];
  for (const subject of subjects) {
    const request = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
    must(subject, await closedLoop(subject.target, 64, { count: plan.warmUp }, () => request));
  }
  for (const x of plan.concurrency) {
    for (const subject of subjects) {
      const request = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
      points.push({ series: subject.name, x, values: await loadPoint(subject, x, plan.pointMs, () => request) });
    }
  }
  return points;
}
