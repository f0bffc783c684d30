import type { Model } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { usableModels } from "../endpoints/models.ts";
import { groupRatio, priceSourceName } from "../view/history-item.ts";
import { ratesOut } from "../view/quantities.ts";
import { ofSelf, router } from "./procedures.ts";

/** The models that a key may use. */
export const models = router({
  /** Lists them by name, with what they can do and what they cost. */
  list: ofSelf.query(async ({ ctx }) => {
    const found = await usableModels(ctx.gateway, ctx.incoming, ctx.principal, true);
    return { models: found.map(modelOut) };
  }),
});

function modelOut(model: Model) {
  return {
    id: model.name,
    owned_by: model.ownedBy,
    module: moduleNameOf(model.module),
    /** Paths of the HTTP API that serve it, the usual one first. */
    endpoints: model.endpoints,
    /** What it can do beyond its module's plain work; null: nobody has said, and nothing is refused. */
    capabilities: model.capabilitiesKnown ? model.capabilities : null,
    /** Most tokens of input and output together; null: not known. */
    context_window_tokens: Number(model.contextWindowTokens) || null,
    /** Most tokens of one answer; null: not known. */
    max_output_tokens: Number(model.maxOutputTokens) || null,
    /** First day on which it is served no more; null: none is known. */
    shutdown_date: model.endsOn || null,
    /** What it costs by the channels that may serve it, those first that are asked first; each price once. Empty: that of the model that it chooses. */
    prices: model.prices.map((price) => ({
      rates: ratesOut(price),
      /** By how much the key's group multiplies the rates. */
      group_ratio: groupRatio(price),
      source: priceSourceName[price.source] ?? null,
    })),
  };
}
