import { LRUCache } from "lru-cache";
import { addCovered } from "./add-covered.ts";
import { chosenAmong } from "./auto.ts";
import { endOf } from "./ends.ts";
import { createGroupPrices } from "./group-price.ts";
import { addListed, type Listings } from "./listed.ts";
import { createNames } from "./names.ts";
import { hash32 } from "./order.ts";
import type { PriceTable } from "./price-table.ts";
import { questionOf, type Row, type ServingGround, servingAmong } from "./serving.ts";
import type { Serving, Snapshot, SnapshotChannel } from "./snapshot.ts";
import { spaceWarnings, unpricedText } from "./snapshot-warnings.ts";
import { tablePrice } from "./table-strategy.ts";
import type { Channel, ChannelModel, Configuration, Model, RuntimeChannel, Strategy } from "./types.ts";

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
    // The table may have learnt more since a channel was entered at run time.
    return served.model.endsWith("*")
      ? undefined
      : (priced(channel, model, served, served.model) ?? stored.get(served.tableKey));
  };
  const rows = new Map<string, Row[]>();
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
      const list = rows.get(served.model);
      if (list === undefined) rows.set(served.model, [{ channel, served, strategy, hash }]);
      else list.push({ channel, served, strategy, hash });
    }
    if (unpriced.length > 0) warnings.push(unpricedText(channel.name, unpriced));
  }

  warnings.push(...spaceWarnings(rows, models));
  const ground: ServingGround = { rows, patternOf, strategies, table, isReal, priced, priceOf: createGroupPrices() };

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
      built.set(key, servingAmong(ground, group, model, modelName));
      return servingOf(groupName, modelName, concrete);
    }
    const made = servingAmong(ground, group, model, concrete);
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
      const real = (rows.get(model) ?? []).filter(({ channel }) => channel.enabled && !channel.standIn);
      const ends = real.map(({ channel }) => listed.get(model)?.endsOn || endOf(channel.lists?.ends ?? {}, model));
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
