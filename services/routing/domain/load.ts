import { basename } from "node:path/posix";
import type { Env } from "../../../shared/config.ts";
import { type Compiled, type ConfigSource, compile } from "./compile.ts";
import { fileSchema } from "./config-schema.ts";
import { dayOf } from "./ends.ts";
import { environmentChannels, type Presets, simulatorChannel } from "./presets.ts";
import type { PriceTable } from "./price-table.ts";
import { readYaml } from "./yaml-source.ts";

/** What a configuration is made of. */
export interface Ingredients {
  /** Text of the file with its name. Undefined: there is none. */
  readonly file: { readonly path: string; readonly text: string } | undefined;
  readonly presets: Presets;
  readonly env: Env;
  readonly simulatorUrl: string | undefined;
  readonly prices: PriceTable;
  /** Unix milliseconds: models whose vendor has ended them by this day (UTC) are left out of its channel. */
  readonly nowMs: number;
}

/**
 * Makes the configuration: presets, then the simulator, then the environment's channels, then the file, each over what
 * came before. Throws ConfigError when the environment is at fault; problems of the file are given, all at once.
 */
export function loadConfiguration({ file, presets, env, simulatorUrl, prices, nowMs }: Ingredients): Compiled {
  const sources: ConfigSource[] = [];
  let withPresets = true;
  let own: ConfigSource | undefined;
  if (file !== undefined) {
    const read = readYaml(file.text, basename(file.path), fileSchema);
    if (!read.ok) return read;
    const { value, problem } = read.located;
    withPresets = value.presets;
    own = { config: value, problem, lenient: false, standIn: false };
  }
  if (withPresets) sources.push(presets.models);
  if (simulatorUrl !== undefined) sources.push(simulatorChannel(simulatorUrl, presets));
  sources.push(environmentChannels(env, presets.vendors));
  if (own !== undefined) sources.push(own);
  return compile(sources, prices, dayOf(nowMs));
}
