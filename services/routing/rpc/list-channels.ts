import type {
  ListChannelsRequest,
  ListChannelsResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { stateLifeMs } from "../domain/health.ts";
import { channelMessage } from "./channel-message.ts";

/** ListChannels. */
export function listChannels({ live, nowMs }: RoutingContext) {
  return unaryHandler<ListChannelsRequest, ListChannelsResponse>(async () => {
    const { snapshot, health } = live.current();
    const since = nowMs() - stateLifeMs;
    return {
      channels: snapshot.channels.map((channel) => channelMessage(channel, { secret: false })),
      health: health.channels
        .filter(({ reportedAtMs }) => reportedAtMs > since)
        .map(({ channel, attempts, failures, firstByteMs, open, cooldownUntilMs }) => ({
          channel,
          attempts,
          failures,
          firstByteMs,
          open,
          cooldownUntilUnixMs: BigInt(cooldownUntilMs),
        })),
    };
  });
}
