import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSnapshot } from "./domain/build-snapshot.ts";
import type { Compiled } from "./domain/compile.ts";
import { fileSchema } from "./domain/config-schema.ts";
import { dayOf } from "./domain/ends.ts";
import type { Listings } from "./domain/listed.ts";
import { loadConfiguration } from "./domain/load.ts";
import { type Presets, simulatorSchema, vendorsSchema } from "./domain/presets.ts";
import { createPriceTable } from "./domain/price-table.ts";
import { problemText } from "./domain/problems.ts";
import type { Snapshot } from "./domain/snapshot.ts";
import type { Configuration, RuntimeChannel } from "./domain/types.ts";
import { readYaml } from "./domain/yaml-source.ts";

/** A day on which the tests' prices hold. */
export const testNowMs = Date.UTC(2026, 10, 21);

/** The maintained table as of that day. */
export const testPrices = createPriceTable(() => testNowMs);

/** The presets that ship with the service. */
export const presets: Presets = readShipped();

/** Loads a file's text as `throughline.yaml`, on the presets, without an environment. */
export function load(
  text: string,
  { env = {}, simulatorUrl }: { env?: Record<string, string>; simulatorUrl?: string } = {},
): Compiled {
  const file = { path: "/etc/throughline.yaml", text };
  return loadConfiguration({ file, presets, env, simulatorUrl, prices: testPrices, nowMs: testNowMs });
}

/** The problems of a file, as they are logged. */
export function problemsOf(text: string): string[] {
  const compiled = load(text);
  return compiled.ok ? [] : compiled.problems.map(problemText);
}

/** The configuration of a file that must be right. */
export function configurationOf(text: string, options?: Parameters<typeof load>[1]): Configuration {
  const compiled = load(text, options);
  if (!compiled.ok) throw new Error(compiled.problems.map(problemText).join("\n"));
  return compiled.configuration;
}

/** The snapshot of a file that must be right. */
export function snapshotOf(
  text: string,
  runtime: readonly RuntimeChannel[] = [],
  options?: Parameters<typeof load>[1],
  listings: Listings = new Map(),
): Snapshot {
  return buildSnapshot(configurationOf(text, options), runtime, 1n, {
    table: testPrices,
    listings,
    today: dayOf(testNowMs),
  });
}

function readShipped(): Presets {
  const models = shipped("models.yaml", fileSchema);
  return {
    models: { config: models.value, problem: models.problem, lenient: true, standIn: false, listPrices: true },
    vendors: shipped("vendors.yaml", vendorsSchema).value.vendors,
    simulator: shipped("simulator.yaml", simulatorSchema).value,
  };
}

function shipped<T>(name: string, schema: Parameters<typeof readYaml<T>>[2]) {
  const path = fileURLToPath(new URL(`./presets/${name}`, import.meta.url));
  const read = readYaml(readFileSync(path, "utf8"), name, schema);
  if (!read.ok) throw new Error(read.problems.map(problemText).join("\n"));
  return read.located;
}
