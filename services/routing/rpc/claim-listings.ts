import type {
  ClaimListingsRequest,
  ClaimListingsResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { claimListings as claim } from "../db/listings.ts";

/** How long whoever is told to read a list has for it. */
const claimedMs = 120_000;
/** Longest time until a provider asks anew. */
const longestWaitMs = 30_000;

/** ClaimListings: the channels that go by lists and whose list was not read for a while. */
export function claimListings({ db, live, nowMs, listEveryMs }: RoutingContext) {
  return unaryHandler<ClaimListingsRequest, ClaimListingsResponse>(async () => {
    const asked = live.current().snapshot.channels.filter(({ enabled, lists }) => enabled && lists?.asks === true);
    const now = nowMs();
    const channels = listEveryMs === 0 ? [] : await claim(db, asked, now, now + claimedMs);
    return { channels: [...channels], againMs: Math.min(longestWaitMs, listEveryMs || longestWaitMs) };
  });
}
