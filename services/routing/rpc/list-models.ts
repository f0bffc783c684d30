import type { Pricing } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { ListModelsRequest, ListModelsResponse } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { endpointsOf, moduleOf } from "../../../shared/modules.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { priceAt } from "../domain/group-price.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { pricing } from "./route-message.ts";

/** ListModels: what Resolve would accept of the group, patterns, aliases and models that no endpoint serves left out. */
export function listModels({ live, nowMs }: Pick<RoutingContext, "live" | "nowMs">) {
  return unaryHandler<ListModelsRequest, ListModelsResponse>(async ({ group, withPrices }) => {
    const { snapshot, firstSeen } = live.current();
    const models = snapshot
      .modelsOf(group)
      .filter(({ name, module }) => !name.endsWith("*") && endpointsOf(module).length > 0);
    const seen = (name: string) => firstSeen.get(name) ?? firstSeen.get(snapshot.patternOf.get(name) ?? "");
    return {
      models: models.map((model) => ({
        name: model.name,
        ownedBy: model.ownedBy,
        createdUnixS: BigInt(
          snapshot.createdUnixS(model.name) ?? Math.floor((seen(model.name)?.getTime() ?? 0) / 1_000),
        ),
        module: moduleOf(model.module),
        endpoints: [...endpointsOf(model.module, model.capabilities)],
        contextWindowTokens: BigInt(model.contextWindowTokens),
        maxOutputTokens: BigInt(model.maxOutputTokens),
        endsOn: snapshot.endsOn(model.name) ?? "",
        capabilities: [...(model.capabilities ?? [])],
        capabilitiesKnown: model.capabilities !== null,
        prices: withPrices ? pricesOf(snapshot, group, model.name, nowMs()) : [],
      })),
    };
  });
}

/** What a model costs a group by its channels, each price once. */
function pricesOf(snapshot: Pick<Snapshot, "serving">, group: string, model: string, nowMs: number): Pricing[] {
  const members = (snapshot.serving(group, model)?.tiers ?? []).flatMap((tier) => tier.members);
  return [...new Set(members.map(({ price }) => pricing(priceAt(price, nowMs))))];
}
