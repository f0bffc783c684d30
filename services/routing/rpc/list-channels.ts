import type {
  ListChannelsRequest,
  ListChannelsResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { speedLifeMs } from "../domain/health.ts";
import { channelMessage } from "./channel-message.ts";

/** ListChannels. */
export function listChannels({ live, nowMs }: RoutingContext) {
  return unaryHandler<ListChannelsRequest, ListChannelsResponse>(async () => {
    const { snapshot, health } = live.current();
    const since = nowMs() - speedLifeMs;
    return {
      channels: snapshot.channels.map((channel) => channelMessage(channel, { secret: false })),
      health: health.channels
        .filter(({ reportedAtMs }) => reportedAtMs > since)
        .map(({ cooldownUntilMs, lastFailureAtMs, lastGoodAtMs, ...figures }) => ({
          ...figures,
          cooldownUntilUnixMs: BigInt(cooldownUntilMs),
          lastFailureUnixMs: BigInt(lastFailureAtMs),
          lastGoodUnixMs: BigInt(lastGoodAtMs),
        })),
    };
  });
}
