import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { ZodType } from "zod";
import { fileSchema } from "../domain/config-schema.ts";
import { type Presets, simulatorSchema, vendorsSchema } from "../domain/presets.ts";
import { problemText } from "../domain/problems.ts";
import { type Located, readYaml } from "../domain/yaml-source.ts";

/** Reads what ships with the service. Throws when it is broken: that is a fault of ours, which a test finds. */
export async function readPresets(): Promise<Presets> {
  const [models, vendors, simulator] = await Promise.all([
    read("models.yaml", fileSchema),
    read("vendors.yaml", vendorsSchema),
    read("simulator.yaml", simulatorSchema),
  ]);
  return {
    models: { config: models.value, problem: models.problem, lenient: true, standIn: false, listPrices: true },
    vendors: vendors.value.vendors,
    simulator: simulator.value,
  };
}

async function read<T>(name: string, schema: ZodType<T>): Promise<Located<T>> {
  const path = fileURLToPath(new URL(`../presets/${name}`, import.meta.url));
  const outcome = readYaml(await readFile(path, "utf8"), `presets/${name}`, schema);
  if (outcome.ok) return outcome.located;
  throw new Error(outcome.problems.map(problemText).join("\n"));
}
