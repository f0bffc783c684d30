import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { closedLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest } from "../load/request.ts";
import type { Ground } from "../subjects/ground.ts";
import { throughline } from "../subjects/throughline.ts";
import type { GrowthPlan, Point } from "./curves.ts";
import { loadPoint } from "./point.ts";

const price = { input: "0.15", output: "0.60" };

/** So many channels to the bench's upstream: every one serves `bench-all`, three serve each of `bench-0`, `bench-1` ... */
function configuration(ground: Ground, count: number): string {
  const own = Math.max(1, Math.floor(count / 3));
  const names = ["bench-all", ...Array.from({ length: own }, (_, index) => `bench-${index}`)];
  return stringify({
    strategies: [{ name: "bench", prices: price }],
    models: names.map((name) => ({ name, owned_by: "bench", max_output: 16_384, strategy: "bench" })),
    channels: Array.from({ length: count }, (_, index) => ({
      name: `bench-${index}`,
      adapter: "openai",
      base_url: `http://127.0.0.1:${ground.upstream.port}/v1`,
      credentials: [{ env: "OPENAI_API_KEY" }],
      models: ["bench-all", `bench-${index % own}`],
    })),
  });
}

/** A model that all channels serve and one that three serve, among ever more channels; and the time to start with them. */
export async function channels(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  const points: Point[] = [];
  const dataFolder = join(ground.folder, "channels");
  await mkdir(dataFolder, { recursive: true });
  const file = join(dataFolder, "throughline.yaml");
  for (const x of plan.channels) {
    await writeFile(file, configuration(ground, x));
    await using undo = new AsyncDisposableStack();
    const subject = await throughline(ground, {
      name: "up",
      mode: "up",
      sampled: 0.01,
      starts: 1,
      dataFolder,
      env: { THROUGHLINE_CONFIG: file },
    });
    undo.defer(() => subject.stop());
    const usual = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
    must(subject, await closedLoop(subject.target, 64, { count: plan.warmUp }, () => usual));
    for (const [series, model] of [
      ["a model of all channels", "bench-all"],
      ["a model of three channels", "bench-0"],
    ] as const) {
      const request = chatRequest(subject.target, { kind: "answer", delayMs: 0 }, model);
      must(subject, await closedLoop(subject.target, 64, { count: plan.warmUp / 10 }, () => request));
      const values = await loadPoint(subject, 64, plan.pointMs, () => request);
      points.push({ series, x, values: { ...values, startMs: subject.startMs[0] ?? Number.NaN } });
    }
  }
  return points;
}
