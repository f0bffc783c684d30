import { Module } from "../shared/gen/throughline/common/v1/common_pb.ts";
import type { RoutingService } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { ServiceClient } from "../shared/rpc/index.ts";

/** Names of the channels in use, for the greeting. */
export async function upstreamNames(routing: ServiceClient<typeof RoutingService>): Promise<string[]> {
  const { channels } = await routing.listChannels({}, { timeoutMs: 10_000 });
  return channels.filter((channel) => channel.enabled).map((channel) => channel.name);
}

/** Names that the first call to paste asks for, the first that is served. */
const usualFirst = ["gpt-4o", "throughline/auto"];
const usualGroup = "default";

/** A model for the first call: whatever vendors there are, it is served. */
export async function firstModel(routing: ServiceClient<typeof RoutingService>): Promise<string> {
  const { models } = await routing.listModels({ group: usualGroup }, { timeoutMs: 10_000 });
  const served = models.filter(({ module }) => module === Module.CHAT).map(({ name }) => name);
  return usualFirst.find((name) => served.includes(name)) ?? served[0] ?? "sim-plain";
}
