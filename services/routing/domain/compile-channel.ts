import { type ChannelConfig, wholeList } from "./config-schema.ts";
import { chargesFor } from "./consumed.ts";
import { coveringPattern } from "./covered.ts";
import type { Names } from "./names.ts";
import type { PriceTable } from "./price-table.ts";
import type { Path } from "./problems.ts";
import { tablePrice } from "./table-strategy.ts";
import type { Channel, ChannelBatches, ChannelModel, Group, ListRule, Model, Module, Strategy } from "./types.ts";
import { usualBatchPricePpm, vendorBatches } from "./vendor-batches.ts";

/** What a channel is checked against. */
export interface ChannelScope {
  readonly models: ReadonlyMap<string, Model>;
  /** What the names of the configuration stand for. */
  readonly names: Names;
  readonly strategies: ReadonlyMap<string, Strategy>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly prices: PriceTable;
  /** True: models that are unknown or have no price are left out instead of refused. */
  readonly lenient: boolean;
  /** Whether the vendor serves a model no more, on a channel of the vendor's own: such models are left out. */
  readonly isOver?: (model: string) => boolean;
}

/** A checked channel, what is wrong with it, and the strategies that the price table gave for its models. */
export interface CompiledChannel {
  readonly channel: Channel;
  readonly strategies: readonly Strategy[];
  readonly problems: readonly { path: Path; message: string }[];
  readonly warnings: readonly string[];
}

/** A model of a channel's list or map, as written. */
interface Entry {
  readonly model: string;
  readonly upstream: string | undefined;
  readonly strategy: string;
  readonly space: string;
  /** The module of an entry for the whole list; no other entry has one. */
  readonly module: Module | "";
  readonly path: Path;
}

/** Checks a channel's references and finds the price of each of its models. Paths of problems are the channel's own. */
export function compileChannel(config: ChannelConfig, scope: ChannelScope): CompiledChannel {
  const problems: { path: Path; message: string }[] = [];
  const report = (path: Path, message: string) => problems.push({ path, message });
  const strategies = new Map<string, Strategy>();
  const warnings: string[] = [];
  const platform = config.platform ?? config.adapter;

  for (const [i, group] of config.groups.entries()) {
    if (group !== "*" && !scope.groups.has(group)) report(["groups", i], `names no group: "${group}"`);
  }

  const written = entriesOf(config.models);
  const lists = ruleOf(written, scope.strategies, report);
  const entries = written.filter(({ model }) => model !== wholeList);
  const mapping = new Map(entries.map(({ model, upstream }) => [model, upstream ?? model]));
  const models: ChannelModel[] = [];
  const seen = new Set<string>();
  for (const { model: name, upstream, strategy, space, path } of entries) {
    // A new model of a vendor need not wait for the file: a pattern there says what its kind costs and can.
    const known = scope.models.get(name);
    const model = known ?? (scope.lenient ? undefined : coveringPattern(name, scope.models, scope.names));
    const refuse = (at: Path, message: string) => {
      if (!scope.lenient) report(at, message);
    };
    if (seen.has(name)) report(path, `"${name}" is there twice`);
    seen.add(name);
    const chain = followMapping(name, mapping);
    const upstreamModel = chain.at(-1) ?? name;
    if (chain.indexOf(upstreamModel) !== chain.length - 1) {
      report(path, `is mapped in a circle: ${chain.join(" -> ")}`);
    } else if (upstream?.includes("*") === true && !name.endsWith("*")) {
      report(path, "must not have a '*' upstream: the model's own name has none");
    } else if (model === undefined) {
      refuse(path, `names no model: "${name}"`);
    } else if (scope.isOver?.(name) === true) {
      // Its vendor would answer that there is no such model.
    } else if (model.auto !== null) {
      refuse(path, `"${name}" is an auto model: channels serve the models that it chooses among`);
    } else if (strategy !== "" && !scope.strategies.has(strategy)) {
      report([...path, "strategy"], `names no strategy: "${strategy}"`);
    } else {
      if (space !== "" && model.module !== "embeddings") report([...path, "space"], "is for models of embeddings");
      const served = { model: name, upstreamModel, strategy, ...(space === "" ? {} : { space }) };
      const named = scope.strategies.get(strategy || model.strategy);
      const question = { platform, baseUrl: config.base_url, upstreamModel, model: name, vendor: model.ownedBy };
      // A pattern's model is not known before the request, so its prices are looked up then.
      const byRequest = name.endsWith("*");
      const price = named?.prices != null || byRequest ? undefined : tablePrice(named, scope.prices, question);
      if (named?.prices != null && named.origin === "strategy" && !chargesFor(model.module, named.prices)) {
        warnings.push(
          `strategy ${named.name} has no price for what every request to ${name} consumes (${model.module}): such requests are free`,
        );
      }
      if (named?.prices != null || byRequest) models.push({ ...served, tableKey: "" });
      else if (price === undefined) refuse(path, `"${name}" has no price: name a strategy that has prices or is free`);
      else {
        models.push({ ...served, tableKey: price.strategy.key });
        strategies.set(price.strategy.key, price.strategy);
        for (const text of price.dropped) warnings.push(`price of ${name} from the table (${price.id}): ${text}`);
      }
    }
  }

  const batches = batchesOf(config.batches);
  if (batches !== undefined && vendorBatches(config.adapter) === undefined) {
    report(["batches"], `must be own: the adapter ${config.adapter} has no batches of a vendor`);
  }

  const channel: Channel = {
    name: config.name,
    adapter: config.adapter,
    platform,
    baseUrl: config.base_url,
    credentials: config.credentials,
    requestIdHeader: config.request_id_header,
    headers: config.headers,
    flavour: config.flavour,
    connectTimeoutMs: config.timeouts.connect_ms ?? 0,
    headersTimeoutMs: config.timeouts.headers_ms ?? 0,
    chunkTimeoutMs: config.timeouts.chunk_ms ?? 0,
    firstTokenTimeoutMs: config.timeouts.first_token_ms ?? 0,
    bodyTimeoutMs: config.timeouts.body_ms ?? 0,
    enabled: config.enabled,
    priority: config.priority,
    weight: config.weight,
    groups: config.groups,
    models,
    ...(batches === undefined ? {} : { batches }),
    ...(lists === undefined ? {} : { lists }),
    standIn: false,
  };
  return { channel, strategies: [...strategies.values()], problems, warnings };
}

/** The vendor's batches that the channel shall use; undefined: none. */
function batchesOf(given: ChannelConfig["batches"]): ChannelBatches | undefined {
  const said: Exclude<ChannelConfig["batches"], string> = typeof given === "string" ? { by: given } : given;
  const { by, price_ratio: priceRatioPpm = usualBatchPricePpm, list_ratio: listRatioPpm } = said;
  if (by === "own") return undefined;
  return { priceRatioPpm, ...(listRatioPpm === undefined ? {} : { listRatioPpm }) };
}

function entriesOf(models: ChannelConfig["models"]): Entry[] {
  type Said = { upstream?: string | undefined; strategy?: string | undefined; space?: string; module?: Module | "" };
  const entry = (
    model: string,
    path: Path,
    { upstream, strategy = "", space = "", module = "" }: Loose<Said>,
  ): Entry => {
    return { model, upstream, strategy, space, module, path };
  };
  if (Array.isArray(models)) {
    return models.map((item, i) =>
      typeof item === "string" ? entry(item, ["models", i], {}) : entry(item.name, ["models", i], item),
    );
  }
  return Object.entries(models).map(([model, item]) =>
    entry(model, ["models", model], typeof item === "string" ? { upstream: item } : item),
  );
}

type Loose<T> = { readonly [K in keyof T]: T[K] | undefined };

/** What the channel says of the upstream's own list; undefined: nothing. */
function ruleOf(
  entries: readonly Entry[],
  strategies: ReadonlyMap<string, Strategy>,
  report: (path: Path, message: string) => void,
): ListRule | undefined {
  let rule: ListRule | undefined;
  for (const { model, upstream, strategy, space, module, path } of entries) {
    if (model !== wholeList) {
      if (module !== "") report([...path, "module"], `is for "${wholeList}": other models have theirs`);
      continue;
    }
    if (rule !== undefined) report(path, `"${wholeList}" is there twice`);
    if (strategy !== "" && !strategies.has(strategy)) {
      report([...path, "strategy"], `names no strategy: "${strategy}"`);
    }
    if (space !== "") report([...path, "space"], `is not for "${wholeList}"`);
    if (upstream !== undefined && upstream !== wholeList) {
      report(path, `"${wholeList}" has no other upstream: names are sent as the upstream lists them`);
    }
    rule = { asks: true, table: "", all: true, strategy, module };
  }
  return rule;
}

/**
 * The names that a channel's mapping visits from `name`: an upstream name that the channel maps as well is followed on.
 * One mapped to itself ends there. A chain whose last name was there before is a circle.
 */
function followMapping(name: string, mapping: ReadonlyMap<string, string>): string[] {
  const chain = [name];
  for (let current = name; ; ) {
    const next = mapping.get(current);
    if (next === undefined || next === current) return chain;
    const seen = chain.includes(next);
    chain.push(next);
    if (seen) return chain;
    current = next;
  }
}
