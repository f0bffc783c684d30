import { deepFreeze } from "../../../shared/deep-freeze.ts";
import {
  createCandidate,
  createPricing,
  createRoute,
  createRouteReason,
  createVendorBatch,
} from "../../../shared/gen/lane_codecs.ts";
import { type Candidate, PriceSource, type Pricing } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Route as RouteMessage } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GroupPrice } from "../domain/group-price.ts";
import type { Reason, Route, RouteCandidate } from "../domain/resolve.ts";
import type { Member } from "../domain/snapshot.ts";
import type { PriceOrigin } from "../domain/types.ts";
import { batchesOf } from "../domain/vendor-batches.ts";

const sources: Record<PriceOrigin, PriceSource> = {
  strategy: PriceSource.STRATEGY,
  table: PriceSource.TABLE,
  free: PriceSource.FREE,
};

// Candidates and their prices are the same for every request until the snapshot or the hour changes, so each is made once
// and shared. Frozen: in one process the gateway gets these very objects, and a slip there would change everybody's prices.
const pricings = new WeakMap<GroupPrice, Pricing>();
const candidates = new WeakMap<Member, Candidate>();

/** The route as the contract has it. */
export function routeMessage(route: Route, version: bigint): RouteMessage {
  const { model } = route;
  return createRoute({
    model: model.name,
    candidates: route.candidates.map(candidateMessage),
    reasons: route.reasons.map(reasonMessage),
    contextWindowTokens: BigInt(model.contextWindowTokens),
    maxOutputTokens: BigInt(model.maxOutputTokens),
    control: route.control,
    configVersion: version,
    sameForMs: route.sameForMs,
  });
}

function candidateMessage({ member, upstreamModel, price }: RouteCandidate): Candidate {
  const known = candidates.get(member);
  const priced = pricing(price);
  if (known?.upstreamModel === upstreamModel && known.pricing === priced) return known;
  const { channel } = member;
  const made = deepFreeze(
    createCandidate({
      channel: channel.name,
      platform: channel.platform,
      upstreamModel,
      pricing: priced,
      customResponseExpression: price.strategy.customResponse,
      ...batchMessage(member, price),
    }),
  );
  // Only the name itself: what clients write in the place of a pattern's `*` has no end.
  if (!member.served.model.endsWith("*")) candidates.set(member, made);
  return made;
}

function batchMessage({ channel }: Member, { ratioPpm }: GroupPrice) {
  const batch = batchesOf(channel, ratioPpm);
  if (batch === undefined) return {};
  return { batch: createVendorBatch({ ...batch, mostBytes: BigInt(batch.mostBytes) }) };
}

/** A price as the contract has it. */
export function pricing(price: GroupPrice): Pricing {
  const known = pricings.get(price);
  if (known !== undefined) return known;
  const { strategy, prices, ratioPpm, list } = price;
  const made = deepFreeze(
    createPricing({
      ...prices,
      rates: prices.rates ?? [],
      strategy: strategy.name,
      groupRatioPpm: ratioPpm,
      source: sources[strategy.origin],
      isListPrice: list === prices,
      ...(list === undefined || list === prices ? {} : { listPricing: { ...list, rates: list.rates ?? [] } }),
    }),
  );
  pricings.set(price, made);
  return made;
}

function reasonMessage(reason: Reason) {
  return createRouteReason(reason);
}
