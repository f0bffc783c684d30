import type { Ground } from "../subjects/ground.ts";
import { openBenchGround } from "../subjects/ground.ts";
import { watchMachine } from "../table/run.ts";
import { accounts } from "./accounts.ts";
import { channels } from "./channels.ts";
import { concurrency } from "./concurrency.ts";
import type { Curve, CurveName, GrowthPlan, Point } from "./curves.ts";
import { keys } from "./keys.ts";
import { kinds } from "./kinds.ts";
import { slowReaders, streams } from "./streams.ts";

const measures: Record<CurveName, (ground: Ground, plan: GrowthPlan) => Promise<Point[]>> = {
  concurrency,
  streams,
  "slow-readers": slowReaders,
  keys,
  channels,
  accounts,
  kinds,
};

/** Measures one curve, on a ground of its own. */
export async function runCurve(name: CurveName, plan: GrowthPlan): Promise<Curve> {
  const where = watchMachine();
  await using ground = await openBenchGround();
  const points = await measures[name](ground, plan);
  return { machine: where(), points };
}
