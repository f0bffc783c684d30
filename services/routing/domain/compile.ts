import { isFreeUnlessPriced } from "../../../shared/modules.ts";
import { compileChannel } from "./compile-channel.ts";
import { compileStrategy, unpriced } from "./compile-strategy.ts";
import type { FileConfig, ModelConfig, StrategyConfig } from "./config-schema.ts";
import { endOf } from "./ends.ts";
import { createNames } from "./names.ts";
import type { PriceTable } from "./price-table.ts";
import type { Path, Problem } from "./problems.ts";
import type { Channel, Configuration, Group, ListRule, Model, Strategy } from "./types.ts";

/** One document that takes part in the configuration. */
export interface ConfigSource {
  readonly config: FileConfig;
  /** Places a problem in the document. */
  problem(path: Path, message: string): Problem;
  /** True: channels keep only those of their models that are configured and priced (presets, the environment). */
  readonly lenient: boolean;
  /** True: its channels serve a model only while no other enabled channel does. */
  readonly standIn: boolean;
  /** True: prices of its strategies are those of vendors' lists. */
  readonly listPrices?: boolean;
  /** Vendors' own channels by name, with what they serve of lists. Models that have ended are left out of them. */
  readonly vendors?: ReadonlyMap<string, Pick<ListRule, "all" | "table" | "ends">>;
}

/** A model that a vendor's own channel serves, or served until lately, and when that ends. */
export interface Ending {
  readonly channel: string;
  readonly model: string;
  /** First day on which it is served no more. */
  readonly endsOn: string;
}

export type Compiled =
  | {
      readonly ok: true;
      readonly configuration: Configuration;
      readonly warnings: readonly string[];
      /** What of the vendors' own channels has an end, the first first. */
      readonly endings: readonly Ending[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** An entry with where it was written. */
interface Placed<T> {
  readonly entry: T;
  readonly source: ConfigSource;
  readonly path: Path;
}

/**
 * Makes one configuration of several documents, checked as a whole: every reference leads somewhere, every alias ends,
 * every model has a price. An entry of a later source takes the place of an earlier one of the same name.
 *
 * @param today the day in UTC, as "2026-12-01".
 */
export function compile(sources: readonly ConfigSource[], prices: PriceTable, today: string): Compiled {
  const problems: Problem[] = [];
  const warnings = new Set<string>();
  const report = ({ source, path }: Placed<unknown>, field: Path, message: string) =>
    problems.push(source.problem([...path, ...field], message));

  const groups = compileGroups(merge(sources, "groups", report));
  const strategies = compileStrategies(merge(sources, "strategies", report), report);
  const { models: placedModels, aliases: placedAliases } = mergeNames(sources, report);

  const models = new Map<string, Model>();
  for (const placed of placedModels.values()) {
    const { entry } = placed;
    if (entry.strategy !== undefined && !strategies.has(entry.strategy)) {
      report(placed, ["strategy"], `names no strategy: "${entry.strategy}"`);
    }
    for (const [i, name] of (entry.auto?.among ?? []).entries()) {
      const other = placedModels.get(name)?.entry;
      if (other === undefined) report(placed, ["auto", "among", i], `names no model: "${name}"`);
      else if (other.auto !== undefined) report(placed, ["auto", "among", i], "must not be an auto model itself");
    }
    const model = toModel(entry, prices);
    if (model.strategy === unpriced.key) strategies.set(unpriced.key, unpriced);
    models.set(entry.name, model);
  }

  const aliases = new Map([...placedAliases].map(([alias, { entry }]) => [alias, entry]));
  const names = createNames(models.keys(), aliases);
  for (const { alias, chain, why } of names.broken) {
    const placed = placedAliases.get(alias);
    const way = chain.join(" -> ");
    const message = why === "circle" ? `leads in a circle: ${way}` : `leads to no model: ${way}`;
    if (placed !== undefined) report(placed, [], message);
  }

  const channels: Channel[] = [];
  const endings: Ending[] = [];
  const priced = new Set<string>();
  for (const placed of merge(sources, "channels", report).values()) {
    const vendor = placed.source.vendors?.get(placed.entry.name);
    const isOver = (model: string) => {
      const endsOn = endOf(vendor?.ends ?? {}, model);
      if (endsOn !== "") endings.push({ channel: placed.entry.name, model, endsOn });
      return endsOn !== "" && endsOn <= today;
    };
    const outcome = compileChannel(placed.entry, {
      models,
      names,
      strategies,
      groups,
      prices,
      lenient: placed.source.lenient,
      ...(vendor === undefined ? {} : { isOver }),
    });
    for (const { path, message } of outcome.problems) report(placed, path, message);
    for (const strategy of outcome.strategies) strategies.set(strategy.key, strategy);
    for (const warning of outcome.warnings) warnings.add(warning);
    for (const { model } of outcome.channel.models) priced.add(model);
    const { lists } = outcome.channel;
    const rule = vendor === undefined ? lists : { ...(lists ?? noList), ...vendor };
    if (outcome.channel.models.length > 0 || rule?.all === true) {
      const { standIn } = placed.source;
      channels.push({ ...outcome.channel, ...(rule === undefined ? {} : { lists: rule }), standIn });
    }
  }

  for (const placed of placedModels.values()) {
    const { name, auto, owned_by } = placed.entry;
    const ownPrice = strategies.get(models.get(name)?.strategy ?? "")?.prices != null;
    // A pattern's model is priced when it is asked for.
    if (auto !== undefined || ownPrice || priced.has(name) || name.endsWith("*") || problems.length > 0) continue;
    if (prices.find(modelQuestion(name, owned_by))?.list != null) continue;
    report(placed, [], "has no price: name a strategy that has prices or is free");
  }

  if (problems.length > 0) return { ok: false, problems };
  const configuration: Configuration = {
    groups: [...groups.values()],
    strategies: [...strategies.values()],
    models: [...models.values()],
    aliases: Object.fromEntries(aliases),
    channels,
  };
  endings.sort((a, b) => (a.endsOn === b.endsOn ? 0 : a.endsOn < b.endsOn ? -1 : 1));
  return { ok: true, configuration, warnings: [...warnings], endings };
}

const noList: ListRule = { asks: false, table: "", all: false, strategy: "", module: "" };

type Report = (placed: Placed<unknown>, field: Path, message: string) => void;
type Lists = "groups" | "strategies" | "channels" | "models";

/** All entries of a section, later sources over earlier ones; twice in one source is a problem. */
function merge<S extends Lists>(sources: readonly ConfigSource[], section: S, report: Report) {
  type Entry = FileConfig[S][number];
  const merged = new Map<string, Placed<Entry>>();
  for (const source of sources) {
    for (const [i, entry] of (source.config[section] as readonly Entry[]).entries()) {
      const placed = { entry, source, path: [section, i] };
      if (merged.get(entry.name)?.source === source) report(placed, ["name"], `"${entry.name}" is there twice`);
      // Taken out first, so that the order is that of the last mention.
      merged.delete(entry.name);
      merged.set(entry.name, placed);
    }
  }
  return merged;
}

/** Models and aliases share one space of names: a later source's name takes the place of an earlier one's of either kind. */
function mergeNames(sources: readonly ConfigSource[], report: Report) {
  const models = merge(sources, "models", report);
  const aliases = new Map<string, Placed<string>>();
  for (const source of sources) {
    for (const { name } of source.config.models) if (models.get(name)?.source === source) aliases.delete(name);
    for (const [alias, entry] of Object.entries(source.config.aliases)) {
      const placed = { entry, source, path: ["aliases", alias] };
      const model = models.get(alias);
      if (model?.source === source) report(placed, [], "is the name of a model too");
      else if (model !== undefined && sources.indexOf(model.source) > sources.indexOf(source)) continue;
      else models.delete(alias);
      if (alias.endsWith("*")) report(placed, [], "must not be a pattern");
      aliases.set(alias, placed);
    }
  }
  return { models, aliases };
}

function compileGroups(placed: ReadonlyMap<string, Placed<FileConfig["groups"][number]>>): Map<string, Group> {
  // The group of keys that name none: always there, at the list price unless the file says otherwise.
  const groups = new Map<string, Group>([["default", { name: "default", ratioPpm: 1_000_000 }]]);
  for (const { entry } of placed.values())
    groups.set(entry.name, { name: entry.name, ratioPpm: entry.ratio ?? 1_000_000 });
  return groups;
}

function compileStrategies(placed: ReadonlyMap<string, Placed<StrategyConfig>>, report: Report): Map<string, Strategy> {
  const compiled = [...placed.values()].map((one) => {
    const { list } = one.entry;
    const named = typeof list === "string" ? placed.get(list)?.entry : undefined;
    if (typeof list === "string" && named?.prices === undefined) {
      report(one, ["list"], `names no strategy with prices: "${list}"`);
    }
    const { listPrices = false } = one.source;
    return compileStrategy(one.entry, listPrices, (path, message) => report(one, path, message));
  });
  return new Map(compiled.map((strategy) => [strategy.key, strategy]));
}

function toModel(entry: ModelConfig, prices: PriceTable): Model {
  const table = () => prices.find(modelQuestion(entry.name, entry.owned_by));
  const isFree = entry.strategy === undefined && isFreeUnlessPriced(entry.module) && table()?.list == null;
  const listed =
    entry.context_window ?? (entry.auto === undefined && !entry.name.endsWith("*") ? table()?.contextWindowTokens : 0);
  return {
    name: entry.name,
    module: entry.module,
    ownedBy: entry.owned_by,
    contextWindowTokens: listed ?? 0,
    maxOutputTokens: entry.max_output,
    capabilities: entry.capabilities ?? null,
    strategy: entry.strategy ?? (isFree ? unpriced.key : ""),
    auto: entry.auto ?? null,
  };
}

/** A question about a model wherever it is served. */
function modelQuestion(name: string, vendor: string) {
  return { platform: "", baseUrl: "", upstreamModel: name, model: name, vendor };
}
