import { readFile } from "node:fs/promises";
import { ConfigError } from "../../../shared/config.ts";
import type { Log } from "../../../shared/log.ts";
import type { RoutingConfig } from "../config.ts";
import { applyConfiguration } from "../db/configuration.ts";
import type { RoutingDatabase } from "../db/open.ts";
import type { Ending } from "../domain/compile.ts";
import { dayOf } from "../domain/ends.ts";
import { loadConfiguration } from "../domain/load.ts";
import { type PriceTable, pricesNotAsWritten } from "../domain/price-table.ts";
import { type Problem, problemText } from "../domain/problems.ts";
import type { Configuration } from "../domain/types.ts";
import { readPresets } from "./presets.ts";
import { fingerprint, watchFile } from "./watch-file.ts";

/** Options of `startLoader`. */
export interface LoaderOptions {
  readonly config: Pick<RoutingConfig, "file" | "filePollMs" | "simulatorUrl" | "vendorEnv">;
  readonly db: RoutingDatabase;
  readonly log: Log;
  /** Prices of models that the configuration does not price. */
  readonly prices: PriceTable;
  readonly nowMs: () => number;
  /** Called when the database has a new configuration. */
  readonly onApplied: () => Promise<void>;
}

/** Brings the configuration from the file, the environment and the presets into the database, and keeps it there. */
export interface Loader {
  /** What is wrong with the file now; while it is wrong the last good configuration stays. Empty: nothing. */
  readonly problems: readonly string[];
  /** Looks at the file and at the day now; for tests. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Loads the configuration and watches its file. Throws ConfigError at the first load when anything is wrong, with a
 * line for each problem that names file, line and field; later problems are logged and change nothing.
 */
export async function startLoader({ config, db, log, prices, nowMs, onApplied }: LoaderOptions): Promise<Loader> {
  const presets = await readPresets();
  const { file: path, simulatorUrl, vendorEnv: env } = config;
  let problems: readonly string[] = [];

  function load(text: string | undefined): Configuration {
    const file = path === undefined || text === undefined ? undefined : { path, text };
    const compiled = loadConfiguration({ file, presets, env, simulatorUrl, prices, nowMs: nowMs() });
    if (!compiled.ok) throw new WrongConfiguration(compiled.problems);
    if (compiled.warnings.length > 0) log.warn({ warnings: compiled.warnings }, pricesNotAsWritten);
    tellEndings(compiled.endings, nowMs(), log);
    return compiled.configuration;
  }

  async function apply(configuration: Configuration): Promise<void> {
    const { version, changed } = await applyConfiguration(db, configuration, path ?? "environment");
    if (changed) log.info({ config_version: version.toString(), file: path }, "configuration loaded");
    await onApplied();
  }

  // The fingerprint first: a change between the two is seen by the first look.
  const seen = path === undefined ? "" : await fingerprint(path).catch((error: unknown) => unreadable(path, error));
  const text =
    path === undefined ? undefined : await readFile(path, "utf8").catch((error: unknown) => unreadable(path, error));
  let first: Configuration;
  try {
    first = load(text);
  } catch (error) {
    if (error instanceof WrongConfiguration) throw new ConfigError("THROUGHLINE_CONFIG", error.problems);
    throw error;
  }
  await apply(first);
  // Prices of the table begin at dates: at the first look of a day what was good is compiled anew.
  let goodText = text;
  let goodDay = dayOf(nowMs());
  const lookAtDay = async () => {
    const today = dayOf(nowMs());
    if (today === goodDay) return;
    try {
      await apply(load(goodText));
      goodDay = today;
    } catch (error) {
      log.error({ err: error }, "the prices of the day could not be loaded; the last ones stay");
    }
  };
  let looking: Promise<void> = Promise.resolve();
  const daily = setInterval(() => {
    looking = looking.then(lookAtDay);
  }, dayLookMs);

  const watch =
    path === undefined
      ? undefined
      : watchFile(
          {
            path,
            everyMs: config.filePollMs,
            onText: async (changed) => {
              let configuration: Configuration;
              try {
                configuration = load(changed);
              } catch (error) {
                if (!(error instanceof WrongConfiguration)) throw error;
                problems = error.problems;
                log.error({ file: path, problems }, "the configuration file is wrong; the last good one stays");
                return;
              }
              await apply(configuration);
              goodText = changed;
              goodDay = dayOf(nowMs());
              if (problems.length > 0) log.info({ file: path }, "the configuration file is right again");
              problems = [];
            },
            onError: (error) => {
              log.error({ file: path, err: error }, "the configuration could not be loaded; the last good one stays");
            },
          },
          seen,
        );

  return {
    get problems() {
      return problems;
    },
    async look() {
      await watch?.look();
      await lookAtDay();
    },
    async stop() {
      clearInterval(daily);
      await looking;
      await watch?.stop();
    },
  };
}

/** So long before a model ends it is told. */
const toldAheadMs = 60 * 86_400_000;

/** Tells which models the vendors end soon, and which they have ended. */
function tellEndings(endings: readonly Ending[], nowMs: number, log: Log): void {
  const today = dayOf(nowMs);
  const text = ({ channel, model, endsOn }: Ending) => `${model} (${channel}): ${endsOn}`;
  const ended = endings.filter(({ endsOn }) => endsOn <= today).map(text);
  const soon = endings.filter(({ endsOn }) => endsOn > today && endsOn <= dayOf(nowMs + toldAheadMs)).map(text);
  if (ended.length > 0) log.info({ models: ended }, "models that their vendor serves no more are left out");
  if (soon.length > 0)
    log.warn({ models: soon }, "models that their vendor will serve no more from the day that is named");
}

/** Time between two looks at the day. */
const dayLookMs = 60_000;

/** A configuration with problems, as sentences. */
class WrongConfiguration extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly Problem[]) {
    super("the configuration is wrong");
    this.problems = problems.map(problemText);
  }
}

function unreadable(path: string, error: unknown): never {
  const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
  throw new ConfigError("THROUGHLINE_CONFIG", `THROUGHLINE_CONFIG: ${path} cannot be read (${reason})`);
}
