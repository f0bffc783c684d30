import { holdStreams } from "../load/hold.ts";
import { openLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest } from "../load/request.ts";
import { heldMb } from "../measure/held.ts";
import { cpuMs, quiet } from "../measure/proc.ts";
import { crowdNames, startForCrowd } from "../subjects/crowd.ts";
import type { Ground } from "../subjects/ground.ts";
import type { Subject } from "../subjects/subject.ts";
import type { Behaviour } from "../upstream/answers.ts";
import type { GrowthPlan, Point } from "./curves.ts";

const settleMs = 3_000;
const probeRate = 20;
const endless = 1_000_000;

const slowStream: Behaviour = { kind: "stream", chunks: endless, everyMs: 1_000, chunkBytes: 0 };

/** Open streams of a chunk a second: memory and CPU of each, and what they do to a request beside them. */
export async function streams(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  const points: Point[] = [];
  for (const name of crowdNames) {
    const subject = await startForCrowd(ground, name, plan.warmUp);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => subject.stop());
    for (const x of plan.streams) {
      await quiet(subject.processes());
      const beforeMb = await heldMb(subject);
      const open = await holdStreams(subject.target, x, chatRequest(subject.target, slowStream));
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      const memory = await heldMb(subject);
      const beforeMs = ownCpu(subject);
      const startedMs = performance.now();
      const request = chatRequest(subject.target, { kind: "answer", delayMs: 20 });
      const probe = must(subject, await openLoop(subject.target, probeRate, plan.pointMs, () => request));
      const core = (ownCpu(subject) - beforeMs) / (performance.now() - startedMs);
      const alive = open.open;
      open.closeAll();
      await quiet(subject.processes(), 0.1, 60_000);
      if (alive !== x) throw new Error(`${subject.name}: of ${x} streams ${alive} stayed open`);
      points.push({
        series: subject.name,
        x,
        values: {
          memoryMb: memory,
          kbPerStream: ((memory - beforeMb) * 1_024) / x,
          cores: core,
          probeP50Ms: probe.latency.at(0.5),
          probeP99Ms: probe.latency.at(0.99),
        },
      });
    }
  }
  return points;
}

/** CPU-ms of the processes without the database so far. */
function ownCpu(subject: Subject): number {
  return subject
    .processes()
    .filter(({ isDatabase }) => !isDatabase)
    .reduce((sum, group) => sum + cpuMs(group), 0);
}
