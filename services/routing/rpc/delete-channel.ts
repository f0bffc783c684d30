import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  DeleteChannelRequest,
  DeleteChannelResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { deleteRuntimeChannel } from "../db/runtime-channels.ts";

/** DeleteChannel. */
export function deleteChannel({ db, live }: RoutingContext) {
  return unaryHandler<DeleteChannelRequest, DeleteChannelResponse>(async ({ name }) => {
    const existing = live.current().snapshot.channels.find((channel) => channel.name === name);
    if (existing?.fromFile === true) {
      throw new ThroughlineError(
        "invalid_value",
        `The channel '${name}' is defined by the configuration; remove it there.`,
        {
          param: "name",
        },
      );
    }
    if (await deleteRuntimeChannel(db, name)) await live.refresh();
    return {};
  });
}
