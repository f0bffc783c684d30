import { ThroughlineError } from "../../../shared/errors/error.ts";
import { costNanoUsd } from "../../../shared/money/cost.ts";
import { type GroupPrice, priceAt } from "./group-price.ts";
import type { HealthView } from "./health.ts";
import { fits, type Needs, suits } from "./needs.ts";
import type { Member, Serving, Snapshot } from "./snapshot.ts";
import type { Model, Preference } from "./types.ts";

/** What an auto model chose. */
export interface Choice {
  readonly serving: Serving;
  /** "auto:cheap chose gpt-4o-mini, cheapest of 12". */
  readonly why: string;
}

/** Time to the first byte that is assumed where none was measured: those measured slower make room for it to be. */
const assumedFirstByteMs = 500;
/** Output assumed for the price when the client named no maximum. */
const assumedOutputTokens = 1_000;
const mostOf: Record<Preference, string> = { balanced: "best price and speed", cheap: "cheapest", fast: "fastest" };

/**
 * Chooses the model for a request to an auto model: among those that the group can use and that can do what the request
 * needs, the one whose channels have the least price (cheap), time to first byte (fast) or product of both (balanced);
 * failures count as if they made it so much dearer and slower. Models with a healthy channel go before
 * models without, real channels before stand-ins.
 *
 * Throws model_not_supported (nothing to choose among), context_length_exceeded or invalid_value (none can do it).
 */
export function choose(
  snapshot: Snapshot,
  group: string,
  auto: Model,
  needs: Needs,
  health: HealthView,
  nowMs: number,
): Choice {
  const prefer = auto.auto?.prefer ?? "balanced";
  const usable = chosenAmong(auto, snapshot.models)
    .map((name) => snapshot.serving(group, name))
    .filter((serving) => serving !== undefined && serving.tiers.length > 0 && serving.model.module === auto.module);
  if (usable.length === 0) throw notSupported(auto.name);
  const able = usable.filter((serving) => serving !== undefined && suits(serving.model, needs));
  if (able.length === 0) throw noneAble(auto.name, usable as Serving[], needs);

  let best: { serving: Serving; score: Score } | undefined;
  for (const serving of able as Serving[]) {
    const score = scoreOf(serving, needs, prefer, health, nowMs);
    if (best === undefined || before(score, best.score)) best = { serving, score };
  }
  if (best === undefined) throw notSupported(auto.name);
  const why = `${auto.name} chose ${best.serving.model.name}, ${mostOf[prefer]} of ${able.length}`;
  return { serving: best.serving, why };
}

/** Compared place by place; the name makes it total. */
type Score = readonly [standIn: number, down: number, cost: number, name: string];

/** Channels of a tier that are looked at: their mean stands for the others'. */
const sampleSize = 16;

/** Scores a model by the tier that would serve it: the first that has a channel that is not down. */
function scoreOf(serving: Serving, needs: Needs, prefer: Preference, health: HealthView, nowMs: number): Score {
  const { name } = serving.model;
  let first: Score | undefined;
  for (const { members } of serving.tiers) {
    const sample = members.slice(0, sampleSize);
    const up = health.anyDown ? sample.filter((m) => health.down(m.channel.name, nowMs) === undefined) : sample;
    const looked = up.length > 0 ? up : sample;
    const standIn = looked.every(({ channel }) => channel.standIn) ? 1 : 0;
    const score: Score = [standIn, up.length > 0 ? 0 : 1, mean(looked, needs, prefer, health, nowMs), name];
    if (up.length > 0) return score;
    first ??= score;
  }
  return first ?? [1, 1, Number.POSITIVE_INFINITY, name];
}

/** What the channels cost on average, by their shares of the traffic. */
function mean(members: readonly Member[], needs: Needs, prefer: Preference, health: HealthView, nowMs: number): number {
  // Channels of one strategy share the price object, and cost is the dear part of this.
  const prices = new Map<Member["price"], number>();
  let sum = 0;
  let shares = 0;
  for (const member of members) {
    let price = prices.get(member.price);
    if (price === undefined) {
      price = prefer === "fast" ? 1 : expectedCost(priceAt(member.price, nowMs), needs);
      prices.set(member.price, price);
    }
    // A share of 0 counts a little, so that a tier of such channels alone has a mean too.
    const share = member.weight || 1e-6;
    sum += share * weigh(member, price, prefer, health);
    shares += share;
  }
  return sum / shares;
}

function before(a: Score, b: Score): boolean {
  for (const place of [0, 1, 2] as const) if (a[place] !== b[place]) return a[place] < b[place];
  return a[3] < b[3];
}

function weigh(member: Member, price: number, prefer: Preference, health: HealthView): number {
  const known = health.of(member.channel.name);
  const firstByteMs = known === undefined || known.firstByteMs === 0 ? assumedFirstByteMs : known.firstByteMs;
  // A channel that fails half of the time costs twice as long; one that always fails still compares.
  const penalty = 1 / (1 - Math.min(known?.failureRatio ?? 0, 0.99));
  if (prefer === "fast") return firstByteMs * penalty;
  // At least a nano-dollar, so that speed still decides among what is free.
  const atLeast = Math.max(1, price);
  return (prefer === "cheap" ? atLeast : atLeast * firstByteMs) * penalty;
}

/** What the request would cost here, in nano-USD: a figure to compare by, never one to charge. */
function expectedCost({ prices, ratioPpm: groupRatioPpm }: GroupPrice, needs: Needs): number {
  const usage = {
    inputTokens: BigInt(Math.max(1, Math.ceil(needs.inputTokens))),
    cachedInputTokens: 0n,
    cacheWriteTokens: 0n,
    outputTokens: BigInt(needs.maxOutputTokens || assumedOutputTokens),
    reasoningTokens: 0n,
    images: 0n,
    audioMs: 0n,
    characters: 0n,
  };
  return Number(costNanoUsd(usage, { ...prices, groupRatioPpm }));
}

function noneAble(name: string, usable: readonly Serving[], needs: Needs): ThroughlineError {
  const wanted = needs.capabilities.map((c) => c.replace("_", " ")).join(", ");
  const able = usable.filter(({ model }) => suits(model, { ...needs, inputTokens: 0, maxOutputTokens: 0 }));
  if (able.length > 0 && !able.some(({ model }) => fits(model, { ...needs, maxOutputTokens: 0 }))) {
    return new ThroughlineError(
      "context_length_exceeded",
      `No model that '${name}' chooses among takes an input of about ${needs.inputTokens} tokens.`,
      { param: "messages" },
    );
  }
  const what = able.length === 0 ? `can do what this request needs (${wanted})` : "gives as much output as asked for";
  return new ThroughlineError("invalid_value", `No model that '${name}' chooses among ${what}.`, { param: "model" });
}

/** The error for a model that the group does not have; `name` as the client wrote it. */
export function notSupported(name: string): ThroughlineError {
  const shown = name.length > 100 ? `${name.slice(0, 100)}...` : name;
  return new ThroughlineError(
    "model_not_supported",
    `The model '${shown}' does not exist or is not available to this key.`,
    {
      param: "model",
    },
  );
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
