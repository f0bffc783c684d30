import { covers } from "./covered.ts";
import type { GroupPrices } from "./group-price.ts";
import { vendorList } from "./list-price.ts";
import type { PriceQuestion, PriceTable } from "./price-table.ts";
import type { Member, Serving, SnapshotChannel, Tier } from "./snapshot.ts";
import { spaceAmong, spaceOf } from "./spaces.ts";
import type { Channel, ChannelModel, Group, Model, Strategy } from "./types.ts";
import { upstreamName } from "./upstream-name.ts";

/** A channel that serves a model. */
export interface Row {
  readonly channel: SnapshotChannel;
  readonly served: ChannelModel;
  /** Undefined: the table prices the name that is asked for. */
  readonly strategy: Strategy | undefined;
  readonly hash: number;
}

/** What servings are made from: all that a configuration says of channels and prices. */
export interface ServingGround {
  /** The channels that serve a model or a pattern, by its name. */
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  /** As `Snapshot.patternOf`. */
  readonly patternOf: ReadonlyMap<string, string>;
  readonly strategies: ReadonlyMap<string, Strategy>;
  readonly table: PriceTable;
  readonly priceOf: GroupPrices;
  /** Some channel of the configuration that is enabled is no stand-in. */
  readonly isReal: boolean;
  /** The strategy of a name that a channel serves; undefined: it has no price. */
  priced(channel: Channel, model: Model, served: ChannelModel, name: string): Strategy | undefined;
}

/** A member whose rank among those of its priority is not reckoned yet. */
type Candidate = Omit<Member, "rankText"> & { readonly priority: number };

/** Who serves a model to a group. @param concrete the name that is asked for, where the model is a pattern. */
export function servingAmong(ground: ServingGround, group: Group, model: Model, concrete: string): Serving {
  const rows = rowsOf(ground, model);
  const real = rows.some(({ channel }) => channel.enabled && !channel.standIn);
  const skipped: { channel: string; reason: string }[] = [];
  const candidates: Candidate[] = [];
  let disabled = 0;
  let pricedByName = false;
  for (const { channel, served, strategy: own, hash } of rows) {
    const byName = own === undefined && concrete.endsWith("*");
    if (byName) pricedByName = true;
    const strategy = own ?? (byName ? undefined : ground.priced(channel, model, served, concrete));
    const price = strategy && priceFor(ground, strategy, group, questionOf(channel, model, served, concrete), channel);
    const inGroup = channel.groups.includes("*") || channel.groups.includes(group.name);
    if (inGroup && !channel.enabled) disabled++;
    const reason = inGroup ? idleReason(ground, channel, served, real) : "wrong group";
    if (price === undefined || reason !== undefined)
      skipped.push({ channel: channel.name, reason: reason ?? "no price" });
    else candidates.push({ channel, served, price, weight: channel.weight, hash, priority: channel.priority });
  }
  const space = model.module === "embeddings" ? spaceAmong(candidates) : undefined;
  const isElsewhere = ({ served }: Candidate) => space !== undefined && spaceOf(served) !== space;
  for (const { channel, served } of candidates.filter(isElsewhere))
    skipped.push({ channel: channel.name, reason: `another vector space, ${spaceOf(served)}` });
  const tiers = tiersOf(candidates.filter((candidate) => !isElsewhere(candidate)));
  return { model, tiers, skipped, onlyDisabled: tiers.length === 0 && disabled > 0, pricedByName };
}

/** The channels that serve a model: those that name it, and those that serve a pattern which covers it. */
function rowsOf({ rows, patternOf }: ServingGround, model: Model): readonly Row[] {
  const own = rows.get(model.name) ?? [];
  const base = patternOf.get(model.name);
  if (base === undefined) return own;
  const wider = [...rows.keys()].filter(
    (name) => name !== model.name && (name === base || patternOf.get(name) === base) && covers(name, model.name),
  );
  return [...own, ...wider.flatMap((name) => rows.get(name) ?? [])];
}

/** What the group pays; a stand-in has no vendor whose list would be worth knowing. */
function priceFor(
  { priceOf, strategies, table }: ServingGround,
  strategy: Strategy,
  group: Group,
  question: PriceQuestion,
  { standIn }: Channel,
) {
  return priceOf(strategy, group, standIn ? undefined : vendorList(strategy, strategies, table, question));
}

/**
 * Why a channel of the group does not serve; undefined: it does, if it has a price. A stand-in keeps its own patterns, for
 * nobody else serves those by chance; the names of others it only lends.
 */
function idleReason(
  { isReal }: ServingGround,
  channel: Channel,
  served: ChannelModel,
  real: boolean,
): string | undefined {
  if (!channel.enabled) return "disabled";
  if (channel.standIn && (real || (isReal && !served.model.endsWith("*"))))
    return "a stand-in, and there are real channels";
  return undefined;
}

/** Candidates by their priority, the highest first. */
function tiersOf(candidates: readonly Candidate[]): readonly Tier[] {
  return [...Map.groupBy(candidates, ({ priority }) => priority)]
    .sort(([a], [b]) => b - a)
    .map(([priority, peers]) => {
      const total = peers.reduce((sum, { weight }) => sum + weight, 0);
      const text = (weight: number) => `priority ${priority}, weight ${weight} of ${total}`;
      return { priority, members: peers.map((peer) => ({ ...peer, rankText: text(peer.weight) })) };
    });
}

/** What the price table is asked of a name that a channel serves. */
export function questionOf(
  { platform, baseUrl }: Channel,
  model: Model,
  served: ChannelModel,
  name: string,
): PriceQuestion {
  return { platform, baseUrl, upstreamModel: upstreamName(served, name), model: name, vendor: model.ownedBy };
}
