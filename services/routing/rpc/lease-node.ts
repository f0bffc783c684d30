import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { LeaseNodeRequest, LeaseNodeResponse } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { leaseNode as lease, releaseNode, renewNode } from "../db/leases.ts";
import { nodeCount } from "../domain/leases.ts";

/**
 * LeaseNode. A renewal of a number that was lost meanwhile leases another: its holder can go on issuing. A lease is new
 * at each call, whoever holds: two processes of one name must not share a number.
 */
export function leaseNode({ db, nowMs, nodeLeaseMs }: RoutingContext) {
  return unaryHandler<LeaseNodeRequest, LeaseNodeResponse>(async ({ holder, node, renew, release }) => {
    if (holder === "" || holder.length > 200) throw invalid("holder", "must have 1 to 200 characters");
    if (node >= nodeCount) throw invalid("node", `must be below ${nodeCount}`);
    const window = release
      ? await releaseNode(db, node, holder)
      : ((renew ? await renewNode(db, node, holder, nowMs(), nodeLeaseMs) : undefined) ??
        (await lease(db, holder, nowMs(), nodeLeaseMs)));
    if (window === undefined)
      throw new ThroughlineError("service_unavailable", "All node numbers are taken; retry shortly.");
    return {
      node: window.node,
      validFromUnixMs: BigInt(window.validFromMs),
      validUntilUnixMs: BigInt(window.validUntilMs),
    };
  });
}

function invalid(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}
