import type { ListModelsRequest, ListModelsResponse } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { endpointsOf, moduleOf } from "../../../shared/modules.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";

/** ListModels: what Resolve would accept of the group, patterns, aliases and models that no endpoint serves left out. */
export function listModels({ live }: RoutingContext) {
  return unaryHandler<ListModelsRequest, ListModelsResponse>(async ({ group }) => {
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
      })),
    };
  });
}
