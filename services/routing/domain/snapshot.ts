import { LRUCache } from "lru-cache";
import { addCovered } from "./add-covered.ts";
import { covers } from "./covered.ts";
import { endOf } from "./ends.ts";
import { createGroupPrices, type GroupPrice } from "./group-price.ts";
import { vendorList } from "./list-price.ts";
import { addListed, type Listings } from "./listed.ts";
import { createNames, type Names } from "./names.ts";
import { hash32, type Weighted } from "./order.ts";
import type { PriceQuestion, PriceTable } from "./price-table.ts";
import { spaceWarnings, unpricedText } from "./snapshot-warnings.ts";
import { spaceAmong, spaceOf } from "./spaces.ts";
import { tablePrice } from "./table-strategy.ts";
import type { Channel, ChannelModel, Configuration, Group, Model, RuntimeChannel, Strategy } from "./types.ts";
import { upstreamName } from "./upstream-name.ts";

/** A channel as it serves one model to one group. */
export interface Member extends Weighted {
  readonly channel: Channel;
  readonly served: ChannelModel;
  readonly price: GroupPrice;
  /** "priority 10, weight 3 of 5". */
  readonly rankText: string;
}

/** The channels of one priority. */
export interface Tier {
  readonly priority: number;
  readonly members: readonly Member[];
}

/** All that can serve one model to one group. */
export interface Serving {
  readonly model: Model;
  /** Highest priority first. */
  readonly tiers: readonly Tier[];
  /** Channels that serve the model but not now or not to this group, with the reason. */
  readonly skipped: readonly { readonly channel: string; readonly reason: string }[];
  /** True: some channel would serve the group were it enabled. */
  readonly onlyDisabled: boolean;
  /** True: the table has to price the name that a request asks for, which is not this one. */
  readonly pricedByName: boolean;
}

/** The configuration as resolving reads it. Never changed once built: a new one takes its place. */
export interface Snapshot {
  /** Version of the database's state that it was made from. */
  readonly version: bigint;
  readonly names: Names;
  /** All channels, those entered at run time included, sorted by name. */
  readonly channels: readonly SnapshotChannel[];
  /** Models by name: those of the configuration, and those that channels name and a pattern of it stands for. */
  readonly models: ReadonlyMap<string, Model>;
  /** When a vendor made a model, in Unix seconds, where its list says so. */
  createdUnixS(model: string): number | undefined;
  /** First day (UTC) on which the vendors of a model's channels serve it no more; undefined: none is known. */
  endsOn(model: string): string | undefined;
  /** Of models that channels name and only a pattern of the configuration stands for: that pattern. */
  readonly patternOf: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly configuration: Configuration;
  /**
   * Who can serve a model to a group; undefined when the group or the model is not configured. Of a pattern, `concrete` is
   * the name that is asked for.
   */
  serving(group: string, model: string, concrete?: string): Serving | undefined;
  /** Models that a group can use, sorted by name; an auto model only when it has something to choose among. */
  modelsOf(group: string): readonly Model[];
  /** What could not be used of the channels entered at run time, in sentences. */
  readonly warnings: readonly string[];
}

/** A channel and where it was defined. */
export interface SnapshotChannel extends Channel {
  readonly fromFile: boolean;
}

/** A channel that serves a model. */
interface Row {
  readonly channel: SnapshotChannel;
  readonly served: ChannelModel;
  /** Undefined: the table prices the name that is asked for. */
  readonly strategy: Strategy | undefined;
  readonly hash: number;
}

/** What a snapshot stands on beside the configuration. */
export interface SnapshotGround {
  /** Prices of models that the configuration does not price. */
  readonly table: PriceTable;
  /** Lists that upstreams gave. Absent: none were read. */
  readonly listings?: Listings;
  /** The day in UTC, as "2026-12-01". */
  readonly today: string;
  /** Called later, where a model that a pattern stands for has prices in the table that are left out. */
  readonly warn?: (text: string) => void;
}

/** Names under patterns whose channels are kept: clients choose such names. */
const keptNames = 1_000;

/**
 * Builds the snapshot of a configuration and the channels entered at run time. A channel of the configuration hides one
 * of the same name entered at run time; what the latter cannot be served (a model no longer configured, or without a
 * price) is left out with a warning: a change of the file must not be refused for its sake.
 */
export function buildSnapshot(
  configuration: Configuration,
  runtime: readonly RuntimeChannel[],
  version: bigint,
  { table, listings = new Map(), today, warn = () => undefined }: SnapshotGround,
): Snapshot {
  // Once each: clients choose names, but the table has only so many models.
  const told = new Set<string>();
  const warnings: string[] = [];
  const models = new Map(configuration.models.map((model) => [model.name, model]));
  const groups = new Map(configuration.groups.map((group) => [group.name, group]));
  const strategies = new Map(configuration.strategies.map((strategy) => [strategy.key, strategy]));
  const named: SnapshotChannel[] = configuration.channels.map((channel) => ({ ...channel, fromFile: true }));
  const names = new Set(named.map(({ name }) => name));
  const stored = new Map<string, Strategy>();
  for (const { channel, strategies: own } of runtime) {
    if (names.has(channel.name)) {
      warnings.push(`channel ${channel.name} of the configuration hides the one entered at run time`);
      continue;
    }
    for (const strategy of own) stored.set(strategy.key, strategy);
    named.push({ ...channel, fromFile: false });
  }
  named.sort((a, b) => (a.name < b.name ? -1 : 1));

  const aliases = new Map(Object.entries(configuration.aliases));
  const { channels: extended, listed } = addListed(models, { aliases, channels: named, listings, table, today });
  /** There is an upstream beside the stand-ins: nobody shall take a simulated answer for one of its. */
  const isReal = named.some(({ enabled, standIn }) => enabled && !standIn);
  const patternOf = addCovered(models, aliases, extended, table);
  const priced = (channel: Channel, model: Model, served: ChannelModel, name: string): Strategy | undefined => {
    const named = strategies.get(served.strategy || model.strategy);
    if (named?.prices != null) return named;
    const found = tablePrice(named, table, questionOf(channel, model, served, name));
    for (const text of found?.dropped ?? []) {
      const warning = `price of ${found?.id} from the table: ${text}`;
      if (!told.has(warning)) warn(warning);
      told.add(warning);
    }
    return found?.strategy;
  };
  const strategyOf = (channel: SnapshotChannel, model: Model, served: ChannelModel): Strategy | undefined => {
    const known = strategies.get(served.tableKey || served.strategy || model.strategy);
    if (known?.prices != null) return known;
    // Of a channel entered at run time the table may have learnt more since then.
    return served.model.endsWith("*")
      ? undefined
      : (priced(channel, model, served, served.model) ?? stored.get(served.tableKey));
  };
  const serving = new Map<string, Row[]>();
  for (const channel of extended) {
    const hash = hash32(channel.name);
    const unpriced: string[] = [];
    for (const served of channel.models) {
      const model = models.get(served.model);
      const strategy = model && strategyOf(channel, model, served);
      if (strategy?.prices == null && listed.has(served.model)) {
        unpriced.push(served.model);
        continue;
      }
      if (model === undefined || (strategy?.prices == null && !served.model.endsWith("*"))) {
        warnings.push(`channel ${channel.name} cannot serve ${served.model}: it is not configured or has no price`);
        continue;
      }
      const list = serving.get(served.model);
      if (list === undefined) serving.set(served.model, [{ channel, served, strategy, hash }]);
      else list.push({ channel, served, strategy, hash });
    }
    if (unpriced.length > 0) warnings.push(unpricedText(channel.name, unpriced));
  }

  warnings.push(...spaceWarnings(serving, models));
  const priceOf = createGroupPrices();

  const build = (group: Group, model: Model, concrete: string): Serving => {
    const base = patternOf.get(model.name);
    const wider =
      base === undefined ? [] : [...serving.keys()].filter((name) => name === base || patternOf.get(name) === base);
    const own = serving.get(model.name) ?? [];
    // A channel that serves a pattern serves each model that the pattern covers.
    const all = [
      ...own,
      ...wider
        .filter((name) => name !== model.name && covers(name, model.name))
        .flatMap((name) => serving.get(name) ?? []),
    ];
    const real = all.some(({ channel }) => channel.enabled && !channel.standIn);
    const skipped: { channel: string; reason: string }[] = [];
    const members: (Omit<Member, "rankText"> & { priority: number })[] = [];
    let disabled = 0;
    let pricedByName = false;
    for (const { channel, served, strategy: own, hash } of all) {
      const byName = own === undefined && concrete.endsWith("*");
      if (byName) pricedByName = true;
      const strategy = own ?? (byName ? undefined : priced(channel, model, served, concrete));
      const list =
        strategy && !channel.standIn
          ? vendorList(strategy, strategies, table, questionOf(channel, model, served, concrete))
          : undefined;
      const price = strategy && priceOf(strategy, group, list);
      const inGroup = channel.groups.includes("*") || channel.groups.includes(group.name);
      // A stand-in keeps its own patterns: nobody else serves those by chance. The names of others it only lends.
      const reason = !inGroup
        ? "wrong group"
        : !channel.enabled
          ? "disabled"
          : channel.standIn && (real || (isReal && !served.model.endsWith("*")))
            ? "a stand-in, and there are real channels"
            : price === undefined
              ? "no price"
              : undefined;
      if (inGroup && !channel.enabled) disabled++;
      if (price === undefined || reason !== undefined)
        skipped.push({ channel: channel.name, reason: reason ?? "no price" });
      else members.push({ channel, served, price, weight: channel.weight, hash, priority: channel.priority });
    }
    const space = model.module === "embeddings" ? spaceAmong(members) : undefined;
    const inSpace = members.filter(({ served }) => space === undefined || spaceOf(served) === space);
    for (const { channel, served } of members) {
      if (space === undefined || spaceOf(served) === space) continue;
      skipped.push({ channel: channel.name, reason: `another vector space, ${spaceOf(served)}` });
    }
    const tiers = [...Map.groupBy(inSpace, ({ priority }) => priority)]
      .sort(([a], [b]) => b - a)
      .map(([priority, peers]) => {
        const total = peers.reduce((sum, { weight }) => sum + weight, 0);
        const text = (weight: number) => `priority ${priority}, weight ${weight} of ${total}`;
        return { priority, members: peers.map((peer) => ({ ...peer, rankText: text(peer.weight) })) };
      });
    return { model, tiers, skipped, onlyDisabled: tiers.length === 0 && disabled > 0, pricedByName };
  };

  // Built when first asked for: groups x models x channels would be too many to build all at each change.
  const built = new Map<string, Serving>();
  const builtByName = new LRUCache<string, Serving>({ max: keptNames });
  const servingOf = (groupName: string, modelName: string, concrete = modelName): Serving | undefined => {
    const key = `${groupName}\n${modelName}`;
    const found = built.get(key);
    if (found !== undefined && (!found.pricedByName || concrete === modelName)) return found;
    const keyOfName = `${key}\n${concrete}`;
    const foundByName = builtByName.get(keyOfName);
    if (foundByName !== undefined) return foundByName;
    const group = groups.get(groupName);
    const model = models.get(modelName);
    if (group === undefined || model === undefined) return undefined;
    if (found === undefined) {
      built.set(key, build(group, model, modelName));
      return servingOf(groupName, modelName, concrete);
    }
    const made = build(group, model, concrete);
    builtByName.set(keyOfName, made);
    return made;
  };
  const usable = (group: string, model: string) => (servingOf(group, model)?.tiers.length ?? 0) > 0;

  return {
    version,
    names: createNames(models.keys(), aliases),
    channels: named,
    models,
    createdUnixS: (model) => listed.get(model)?.createdUnixS || undefined,
    endsOn(model) {
      const rows = (serving.get(model) ?? []).filter(({ channel }) => channel.enabled && !channel.standIn);
      const ends = rows.map(({ channel }) => listed.get(model)?.endsOn || endOf(channel.lists?.ends ?? {}, model));
      // While one of them goes on the model goes on.
      return ends.length === 0 || ends.includes("") ? undefined : ends.sort().at(-1);
    },
    patternOf,
    groups,
    configuration,
    warnings,
    serving: servingOf,
    modelsOf(group) {
      if (!groups.has(group)) return [];
      return [...models.values()]
        .filter((model) =>
          model.auto === null
            ? usable(group, model.name)
            : chosenAmong(model, models).some((name) => usable(group, name)),
        )
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

/** What the price table is asked of a name that a channel serves. */
function questionOf({ platform, baseUrl }: Channel, model: Model, served: ChannelModel, name: string): PriceQuestion {
  return { platform, baseUrl, upstreamModel: upstreamName(served, name), model: name, vendor: model.ownedBy };
}

/** Names of the models that an auto model chooses among. Patterns are none: they stand for no model in particular. */
export function chosenAmong(auto: Model, models: ReadonlyMap<string, Model>): readonly string[] {
  if (auto.auto === null) return [];
  if (auto.auto.among.length > 0) return auto.auto.among;
  const all = [...models.values()];
  return all
    .filter((m) => m.auto === null && m.module === auto.module && !m.name.endsWith("*"))
    .map(({ name }) => name);
}
