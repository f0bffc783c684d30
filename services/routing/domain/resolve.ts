import { ThroughlineError } from "../../../shared/errors/error.ts";
import { endpointsOf, isOperation } from "../../../shared/modules.ts";
import { choose, notSupported } from "./auto.ts";
import { askedFor, type Capability } from "./capabilities.ts";
import { type GroupPrice, priceAt } from "./group-price.ts";
import type { HealthView } from "./health.ts";
import { lacks, type Needs } from "./needs.ts";
import { byAffinity, byChance, rank } from "./order.ts";
import type { Member, Serving, Snapshot } from "./snapshot.ts";
import type { Model, Module } from "./types.ts";
import { upstreamName } from "./upstream-name.ts";

/** What is asked of routing for one request. */
export interface RouteQuestion {
  readonly group: string;
  /** As the client wrote it. */
  readonly model: string;
  readonly module: Module;
  readonly needs: Needs;
  /** Equal keys prefer the same channels. Empty: none. */
  readonly affinity: string;
}

/** One way to serve the request. */
export interface RouteCandidate {
  readonly member: Member;
  readonly upstreamModel: string;
  /** What holds now. */
  readonly price: GroupPrice;
}

/** Why a channel was chosen or skipped. */
export interface Reason {
  /** Empty: of several channels together. */
  readonly channel: string;
  readonly reason: string;
  readonly chosen: boolean;
}

/** The ordered candidates of one request. */
export interface Route {
  readonly model: Model;
  /** Best first; at least one. */
  readonly candidates: readonly RouteCandidate[];
  readonly reasons: readonly Reason[];
  readonly control: string;
  /** Milliseconds for which all who ask alike may take it; 0: it is this request's alone. */
  readonly sameForMs: number;
}

/** What resolving stands on. */
export interface RouteGround {
  readonly snapshot: Snapshot;
  readonly health: HealthView;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly nowMs: number;
}

/** How long a route may be taken that is the same for all who ask alike. What changes is seen so much later. */
const sameForMs = 100;
/** Most candidates of a route: nobody waits for a ninth attempt. */
export const maxCandidates = 8;
/** Most skipped channels that a route names; the rest are counted. Reasons are kept on every record. */
const maxSkipped = 8;

/**
 * The route of a request: candidates by priority, within a priority by weight (by chance, or sticky with an affinity
 * key). Channels whose breaker is open or that cool down go last instead of away: when all are down, the best guess is
 * still to try, and the provider's breakers decide.
 *
 * Throws model_not_supported, invalid_value (the model cannot do what is needed), context_length_exceeded (auto only),
 * service_unavailable (all channels of the model are disabled).
 */
export function resolveRoute(question: RouteQuestion, ground: RouteGround): Route {
  const { snapshot, health, nowMs } = ground;
  const named = snapshot.names.resolve(question.model);
  const asked = named && snapshot.models.get(named.model);
  if (named === undefined || asked === undefined) throw notSupported(question.model);
  if (asked.module !== question.module) throw wrongModule(question, asked);

  let serving: Serving | undefined;
  let why = "";
  if (asked.auto === null) {
    serving = snapshot.serving(question.group, named.model, named.concrete);
    if (serving === undefined || serving.tiers.length === 0) throw noChannel(question.model, serving);
    const missing = lacks(asked, question.needs);
    if (missing !== undefined) throw cannot(question, asked, missing);
  } else {
    const choice = choose(snapshot, question.group, asked, question.needs, health, nowMs);
    serving = choice.serving;
    why = `${choice.why}; `;
  }

  const { members, reasons } = order(serving, question.affinity, why, ground);
  const concrete = asked.auto === null ? named.concrete : serving.model.name;
  const candidates = members.map((member) => ({
    member,
    upstreamModel: upstreamName(member.served, concrete),
    price: priceAt(member.price, nowMs),
  }));
  const hasFixedPrices = members.every(({ price }) => price.byHour === undefined);
  const isSame =
    asked.auto === null && question.affinity === "" && !health.anyDown && !leavesChoice(serving) && hasFixedPrices;
  return { model: serving.model, candidates, reasons, control: named.control, sameForMs: isSame ? sameForMs : 0 };
}

/** Whether channels share the traffic, so that each request has an order of its own. */
function leavesChoice({ tiers }: Serving): boolean {
  return tiers.some(({ members }) => members.length > 1);
}

function order(serving: Serving, affinity: string, why: string, { health, random, nowMs }: RouteGround) {
  const draw = affinity === "" ? byChance(random) : byAffinity(affinity);
  const how = affinity === "" ? "" : ", by affinity";
  const members: Member[] = [];
  const reasons: Reason[] = [];
  const down: { member: Member; state: string }[] = [];
  let total = 0;
  for (const tier of serving.tiers) {
    total += tier.members.length;
    if (members.length >= maxCandidates) continue;
    let peers = tier.members;
    if (health.anyDown) {
      peers = peers.filter((member) => {
        const state = health.down(member.channel.name, nowMs);
        if (state !== undefined) down.push({ member, state });
        return state === undefined;
      });
    }
    for (const member of rank(peers, draw, maxCandidates - members.length)) {
      members.push(member);
      reasons.push({ channel: member.channel.name, reason: `${why}${member.rankText}${how}`, chosen: true });
    }
  }
  for (const { member, state } of down.slice(0, maxCandidates - members.length)) {
    members.push(member);
    reasons.push({
      channel: member.channel.name,
      reason: `${why}${state}, tried last; ${member.rankText}`,
      chosen: true,
    });
  }
  for (const { channel, reason } of serving.skipped.slice(0, maxSkipped))
    reasons.push({ channel, reason, chosen: false });
  const unnamed = total - members.length + Math.max(0, serving.skipped.length - maxSkipped);
  if (unnamed > 0) reasons.push({ channel: "", reason: `${unnamed} more channels further down`, chosen: false });
  return { members, reasons };
}

function noChannel(name: string, serving: Serving | undefined): ThroughlineError {
  if (serving?.onlyDisabled !== true) return notSupported(name);
  return new ThroughlineError("service_unavailable", `All channels of the model '${name}' are out of service.`);
}

function wrongModule({ model, module }: RouteQuestion, asked: Model): ThroughlineError {
  const message = `The model '${model}' is for ${asked.module}, not for ${module}: ${wayTo(asked)}.`;
  return new ThroughlineError("model_not_supported", message, { param: "model" });
}

/** Where a model is served. */
function wayTo({ module, capabilities }: Model): string {
  const paths = endpointsOf(module, capabilities);
  const ways = capabilities?.some(isOperation) ? paths : paths.slice(0, 1);
  return ways.length === 0 ? "no endpoint serves it" : `use POST ${ways.join(" or ")}`;
}

function cannot({ model, module }: RouteQuestion, asked: Model, missing: Capability): ThroughlineError {
  const { what, param } = askedFor(missing, module);
  const message = `The model '${model}' does not support ${what}`;
  if (!isOperation(missing)) return new ThroughlineError("invalid_value", `${message}.`, { param });
  return new ThroughlineError("model_not_supported", `${message}: ${wayTo(asked)}.`, { param });
}
