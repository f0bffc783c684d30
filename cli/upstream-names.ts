import type { RoutingService } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { ServiceClient } from "../shared/rpc/index.ts";

/** Names of the channels in use, for the greeting. */
export async function upstreamNames(routing: ServiceClient<typeof RoutingService>): Promise<string[]> {
  const { channels } = await routing.listChannels({}, { timeoutMs: 10_000 });
  return channels.filter((channel) => channel.enabled).map((channel) => channel.name);
}
