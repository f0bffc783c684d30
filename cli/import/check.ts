import { loadConfiguration } from "../../services/routing/domain/load.ts";
import { createPriceTable } from "../../services/routing/domain/price-table.ts";
import { problemText } from "../../services/routing/domain/problems.ts";
import { readPresets } from "../../services/routing/live/presets.ts";

/** What routing would say of a configuration file at the start; empty: it would take it. */
export async function problemsOf(path: string, text: string): Promise<readonly string[]> {
  const compiled = loadConfiguration({
    file: { path, text },
    presets: await readPresets(),
    env: {},
    simulatorUrl: undefined,
    prices: createPriceTable(Date.now),
    nowMs: Date.now(),
  });
  return compiled.ok ? [] : compiled.problems.map(problemText);
}
