import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Candidate } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { BatchRouteSchema } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { Route } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GatewayContext } from "../../context.ts";
import type { Ask } from "../../story/ask.ts";
import { closingRequest } from "../../story/closing.ts";
import { invokeItem } from "../../story/items.ts";
import { noLabels } from "../../story/labels.ts";
import { resolve } from "../../story/resolve.ts";

/** A route with its number in the batch. */
export interface NumberedRoute {
  readonly number: number;
  readonly route: Route;
}

/** The routes of one batch: resolved once for lines that ask for the same, and kept once. */
export interface BatchRoutes {
  /** The route of a line. Throws what routing says of its model. */
  of(ask: Ask): Promise<NumberedRoute>;
  /** Routes that no message has had yet. */
  taken(): MessageInitShape<typeof BatchRouteSchema>[];
}

/** Lines of this size and less fit the same upstreams. Larger ones are resolved one by one, by their own size. */
const smallTokens = 4_096;
/** The order of equal upstreams is drawn anew after so many lines, so that all have their part. */
const usesOfOne = 64;

/** Creates those of one batch. @param priceRatio of a batch's prices to those of the model. */
export function createBatchRoutes(context: GatewayContext, priceRatio: number): BatchRoutes {
  const resolved = new Map<string, { readonly found: NumberedRoute; uses: number }>();
  const numbers = new Map<string, NumberedRoute>();
  let fresh: MessageInitShape<typeof BatchRouteSchema>[] = [];

  async function ask(wanted: Ask): Promise<NumberedRoute> {
    const route = await resolve(context, wanted);
    const name = nameOf(wanted, route);
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const priced = { ...route, candidates: route.candidates.map((candidate) => atRatio(candidate, priceRatio)) };
    const numbered = { number: numbers.size, route: priced };
    numbers.set(name, numbered);
    const { tags } = wanted.labels;
    const { facts } = closingRequest({ ...wanted, labels: { ...noLabels, tags } }, priced, 0n);
    // Each line brings these values for itself.
    const item = { ...invokeItem(wanted, priced, facts, 0n), stream: false, headers: {}, estimatedInputTokens: 0n };
    fresh.push({ number: numbered.number, item: { ...item, body: new Uint8Array(), outputCeiling: 0n } });
    return numbered;
  }

  return {
    async of(wanted) {
      const { model, affinity, needs } = wanted.demand;
      if (needs.inputTokens > smallTokens || needs.maxOutputTokens > smallTokens) return ask(wanted);
      const key = JSON.stringify([model, affinity, needs.capabilities]);
      const before = resolved.get(key);
      if (before !== undefined && before.uses < usesOfOne) {
        before.uses += 1;
        return before.found;
      }
      const found = await ask(wanted);
      resolved.set(key, { found, uses: 1 });
      return found;
    },
    taken() {
      const taken = fresh;
      fresh = [];
      return taken;
    },
  };
}

/** Two routes of one name are the same: a configuration says all of a channel's model. */
function nameOf({ demand: { model } }: Ask, { configVersion, control, candidates }: Route): string {
  const places = candidates.map(({ channel, upstreamModel }) => [channel, upstreamModel]);
  return JSON.stringify([model, control, configVersion.toString(), places]);
}

function atRatio(candidate: Candidate, ratio: number): Candidate {
  const { pricing } = candidate;
  if (pricing === undefined || ratio === 1) return candidate;
  return { ...candidate, pricing: { ...pricing, groupRatioPpm: Math.round(pricing.groupRatioPpm * ratio) } };
}
