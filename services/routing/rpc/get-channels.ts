import type {
  Channel,
  GetChannelsRequest,
  GetChannelsResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { channelMessage } from "./channel-message.ts";

/** GetChannels. */
export function getChannels({ live }: RoutingContext) {
  // Every provider replica asks several times a second: what a snapshot gives is made once.
  const made = new WeakMap<Snapshot, Channel[]>();
  return unaryHandler<GetChannelsRequest, GetChannelsResponse>(async ({ knownVersion }) => {
    // Another replica told the caller of more than this one has seen: it must not fall back.
    if (knownVersion > live.current().snapshot.version) await live.refresh();
    const { snapshot } = live.current();
    const { version } = snapshot;
    if (knownVersion === version) return { version, unchanged: true };
    let channels = made.get(snapshot);
    if (channels === undefined) {
      channels = snapshot.channels.map((channel) => channelMessage(channel, { secret: true }));
      made.set(snapshot, channels);
    }
    return { version, channels };
  });
}
