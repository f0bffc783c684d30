import { watchMachine } from "../measure/machine.ts";
import type { Ground } from "../subjects/ground.ts";
import { accounts } from "./accounts.ts";
import { channels } from "./channels.ts";
import { concurrency } from "./concurrency.ts";
import type { Curve, CurveName, GrowthPlan, Point } from "./curves.ts";
import { keys } from "./keys.ts";
import { kinds } from "./kinds.ts";
import { slowReaders } from "./slow-readers.ts";
import { streams } from "./streams.ts";

const measures: Record<CurveName, (ground: Ground, plan: GrowthPlan) => Promise<Point[]>> = {
  concurrency,
  streams,
  "slow-readers": slowReaders,
  keys,
  channels,
  accounts,
  kinds,
};

/** Measures one curve. */
export async function runCurve(ground: Ground, name: CurveName, plan: GrowthPlan): Promise<Curve> {
  const where = watchMachine();
  const points = await measures[name](ground, plan);
  return { machine: where(), points };
}
