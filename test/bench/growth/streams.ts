import { closedLoop, holdStreams, openLoop } from "../load/loads.ts";
import { chatRequest } from "../load/request.ts";
import { cpuMs, memoryMb, quiet } from "../measure/proc.ts";
import type { Ground } from "../subjects/ground.ts";
import { floor, peer } from "../subjects/others.ts";
import type { Subject } from "../subjects/subject.ts";
import { throughline } from "../subjects/throughline.ts";
import type { Behaviour } from "../upstream/answers.ts";
import type { GrowthPlan, Point } from "./curves.ts";
import { must } from "./point.ts";

/** More connections to one upstream than a process opens by itself; garbage is collected when the bench asks for it. */
const env = {
  UPSTREAM_MAX_CONNECTIONS: "16384",
  NODE_OPTIONS: `--import ${new URL("../processes/collect.ts", import.meta.url).href}`,
};
const settleMs = 3_000;
const probeRate = 20;
const endless = 1_000_000;

const slowStream: Behaviour = { kind: "stream", chunks: endless, everyMs: 1_000, chunkBytes: 0 };
const fastStream: Behaviour = { kind: "stream", chunks: endless, everyMs: 5, chunkBytes: 4_096 };
const usualStream: Behaviour = { kind: "stream", chunks: 100, everyMs: 5, chunkBytes: 0 };

/** Open streams of a chunk a second: memory and CPU of each, and what they do to a request beside them. */
export async function streams(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  const points: Point[] = [];
  for (const start of starters(ground)) {
    const subject = await start();
    await using undo = new AsyncDisposableStack();
    undo.defer(() => subject.stop());
    await warm(subject, plan);
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

/** Streams whose clients do not read: memory of each, and what they do to 50 usual streams beside them. */
export async function slowReaders(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  const points: Point[] = [];
  for (const start of starters(ground)) {
    const subject = await start();
    await using undo = new AsyncDisposableStack();
    undo.defer(() => subject.stop());
    await warm(subject, plan);
    const usual = async () => {
      const request = chatRequest(subject.target, usualStream);
      return must(subject, await closedLoop(subject.target, 50, { forMs: plan.pointMs }, () => request));
    };
    await usual();
    const alone = await usual();
    for (const x of plan.slowReaders) {
      await quiet(subject.processes());
      const beforeMb = await heldMb(subject);
      const open = await holdStreams(subject.target, x, chatRequest(subject.target, fastStream), { paused: true });
      // Until every buffer on the way is full and all rests.
      await quiet(subject.processes(), 0.1, 60_000);
      const memory = await heldMb(subject);
      const beside = await usual();
      open.closeAll();
      await quiet(subject.processes(), 0.1, 60_000);
      points.push({
        series: subject.name,
        x,
        values: {
          memoryMb: memory,
          kbPerStream: ((memory - beforeMb) * 1_024) / x,
          aloneP50Ms: alone.latency.at(0.5),
          besideP50Ms: beside.latency.at(0.5),
        },
      });
    }
  }
  return points;
}

function starters(ground: Ground): (() => Promise<Subject>)[] {
  return [
    () => floor(ground, 1, env),
    () => peer(ground, 1, env),
    () => throughline(ground, { name: "up", mode: "up", sampled: 0.01, starts: 0, env }),
    () => throughline(ground, { name: "mesh", mode: "mesh", sampled: 0.01, starts: 0, env }),
  ];
}

async function warm(subject: Subject, plan: GrowthPlan): Promise<void> {
  const request = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
  must(subject, await closedLoop(subject.target, 64, { count: plan.warmUp }, () => request));
  const streaming = chatRequest(subject.target, usualStream);
  must(subject, await closedLoop(subject.target, 50, { count: 100 }, () => streaming));
}

/** MB that the processes without the database hold, after a collection of their garbage. */
async function heldMb(subject: Subject): Promise<number> {
  const groups = subject.processes().filter(({ isDatabase }) => !isDatabase);
  for (const { pid } of groups) process.kill(pid, "SIGUSR2");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await quiet(groups, 0.1, 5_000);
  return groups.reduce((sum, group) => sum + memoryMb(group), 0);
}

/** CPU-ms of the processes without the database so far. */
function ownCpu(subject: Subject): number {
  return subject
    .processes()
    .filter(({ isDatabase }) => !isDatabase)
    .reduce((sum, group) => sum + cpuMs(group), 0);
}
