import { coveringPattern, covers } from "./covered.ts";
import { endOf } from "./ends.ts";
import { createNames, type Names } from "./names.ts";
import type { PriceTable } from "./price-table.ts";
import type { Channel, ChannelModel, ListedModel, ListRule, Model, Module } from "./types.ts";

/** A list that an upstream gave. */
export interface Listing {
  /** As `sourceOf` the channel that it was read for. */
  readonly source: string;
  readonly models: readonly ListedModel[];
}

/** The lists of the upstreams that were read, by channel. */
export type Listings = ReadonlyMap<string, Listing>;

/** Whose list a channel's is: that of another server says nothing of it. */
export function sourceOf({ adapter, baseUrl }: Pick<Channel, "adapter" | "baseUrl">): string {
  return `${adapter} ${baseUrl}`;
}

/** Channels with what lists add to them. */
export interface WithListed<C extends Channel> {
  readonly channels: readonly C[];
  /** What the lists say of their models, by name. */
  readonly listed: ReadonlyMap<string, ListedModel>;
}

/** What lists are read by. */
export interface Lists<C extends Channel> {
  readonly aliases: ReadonlyMap<string, string>;
  readonly channels: readonly C[];
  readonly listings: Listings;
  readonly table: PriceTable;
  /** The day in UTC, as "2026-12-01". */
  readonly today: string;
}

/** What names say of a model's module, the first that fits; null: nothing that is served yet. */
const byName: readonly (readonly [RegExp, Module | null])[] = [
  [/realtime|(^|[-/])live(-|$)|-ocr(-|$)|babbage|davinci|-search-api|computer-use|deep-research/, null],
  [/embed|(^|\/)(bge|e5|gte)-/, "embeddings"],
  [/rerank/, "rerank"],
  [/moderation|(^|[-/])guard/, "moderation"],
  [/whisper|transcrib|(^|-)tts(-|$)|speech|kokoro/, "audio"],
  [/sora|(^|[-/])veo|video/, "video"],
  [/-image(-|$)|dall-e|imagen|flux|stable-diffusion/, "image"],
];

/** The module that a name says; null: one that is not served. Undefined: it says none. */
function saidIn(name: string): Module | null | undefined {
  return byName.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1];
}

/** The module of a model of which nothing but the name is known; undefined: none that is served. */
export function moduleByName(name: string): Module | undefined {
  const said = saidIn(name);
  return said === undefined ? "chat" : (said ?? undefined);
}

/**
 * Adds to each channel what lists say that its upstream serves: the upstream's own list where one was read, else the price
 * table's of its vendor. A model that nothing of the configuration stands for is added to `models`.
 */
export function addListed<C extends Channel>(
  models: Map<string, Model>,
  { aliases, channels, listings, table, today }: Lists<C>,
): WithListed<C> {
  const configured = new Map(models);
  const names = createNames(configured.keys(), aliases);
  const listed = new Map<string, ListedModel>();
  const extended = channels.map((channel) => {
    const { lists } = channel;
    if (lists === undefined || !channel.enabled) return channel;
    const served = new Set(channel.models.map(({ model }) => model));
    const more: ChannelModel[] = [];
    const read = listings.get(channel.name);
    const own = read?.source === sourceOf(channel) ? read.models : undefined;
    for (const one of own ?? fromTable(lists, table, today)) {
      const { name } = one;
      // The table prices what a company sells anywhere: Google's names there have Claude, which its own API does not serve.
      if (own === undefined && !lists.all && !served.has(name) && !isOwn(channel, name)) continue;
      // An alias of the configuration is not taken away from what it stands for.
      if (aliases.has(name)) continue;
      const strategy = served.has(name) ? "" : strategyFor(channel, lists, name, configured, names);
      if (strategy === undefined) continue;
      listed.set(name, one);
      if (served.has(name)) continue;
      served.add(name);
      more.push({ model: name, upstreamModel: name, strategy, tableKey: "" });
      if (lists.all && !models.has(name)) models.set(name, newModel(name, channel, lists, table));
    }
    return more.length === 0 ? channel : { ...channel, models: [...channel.models, ...more] };
  });
  return { channels: extended, listed };
}

/** Whether one of the channel's own patterns stands for a name. */
function isOwn({ models }: Channel, name: string): boolean {
  return models.some(({ model }) => covers(model, name));
}

/** The strategy by which a channel serves a name of a list, empty where its model says it; undefined: it does not serve it. */
function strategyFor(
  { models: own }: Channel,
  { all, strategy, module }: ListRule,
  name: string,
  configured: ReadonlyMap<string, Model>,
  names: Names,
): string | undefined {
  const exact = configured.get(name);
  if (exact !== undefined) return exact.auto === null ? strategy : undefined;
  const said = module || saidIn(name);
  if (said === null) return undefined;
  if (all) return strategy;
  const covering = coveringPattern(name, configured, names);
  // A pattern that is for chat stands for what chats: speech of the same beginning is none.
  if (covering === undefined || (said !== undefined && said !== covering.module)) return undefined;
  const pattern = own.filter(({ model }) => covers(model, name)).sort((a, b) => b.model.length - a.model.length)[0];
  return pattern?.strategy;
}

function fromTable({ table, ends = {} }: ListRule, prices: PriceTable, today: string): readonly ListedModel[] {
  if (table === "") return [];
  return prices
    .list(table)
    .map((name) => ({ name, createdUnixS: 0, endsOn: endOf(ends, name) }))
    .filter(({ endsOn }) => endsOn === "" || endsOn > today);
}

/** A model of which only a list speaks. */
function newModel(name: string, { platform, baseUrl }: Channel, { module }: ListRule, table: PriceTable): Model {
  const slash = name.indexOf("/");
  const ownedBy = slash > 0 ? name.slice(0, slash) : platform;
  const found = table.find({ platform, baseUrl, upstreamModel: name, model: name, vendor: ownedBy });
  return {
    name,
    module: module || (moduleByName(name) ?? "chat"),
    ownedBy: ownedBy.slice(0, 64),
    contextWindowTokens: found?.contextWindowTokens ?? 0,
    maxOutputTokens: 0,
    capabilities: null,
    strategy: "",
    auto: null,
  };
}
