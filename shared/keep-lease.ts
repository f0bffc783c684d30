import type { RoutingService } from "./gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "./log.ts";
import type { RequestIdSource } from "./request-id.ts";
import type { ServiceClient } from "./rpc/index.ts";

/** A node lease that is kept alive. */
export interface KeptLease {
  /** Gives the node number back. */
  stop(): Promise<void>;
}

const retryMs = 500;
const callTimeoutMs = 5_000;
const longestTimerMs = 60_000;

/**
 * Leases a node number for `ids` and renews it at a third of its time. Resolves with the first lease; while routing is
 * away it keeps trying, and the source stops issuing by itself when the lease runs out.
 */
export async function keepLease(
  routing: ServiceClient<typeof RoutingService>,
  ids: RequestIdSource,
  holder: string,
  log: Log,
): Promise<KeptLease> {
  let node = -1;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function lease(): Promise<void> {
    let waitMs = retryMs;
    try {
      const renewing = node >= 0;
      const given = await routing.leaseNode(
        { holder, node: renewing ? node : 0, renew: renewing },
        { timeoutMs: callTimeoutMs },
      );
      node = given.node;
      ids.setLease({
        node,
        validFromMs: Number(given.validFromUnixMs),
        validUntilMs: Number(given.validUntilUnixMs),
      });
      waitMs = Math.min(longestTimerMs, Math.max(retryMs, (Number(given.validUntilUnixMs) - Date.now()) / 3));
    } catch (error) {
      log.warn({ err: error, node }, "node lease could not be had; will try again");
      // A renewal that is refused means the lease is lost: ask for any node.
      if (!ids.leaseValid()) node = -1;
    }
    if (!stopped) timer = setTimeout(() => void lease(), waitMs).unref();
  }

  await lease();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      if (node < 0) return;
      await routing.leaseNode({ holder, node, release: true }, { timeoutMs: callTimeoutMs }).catch((error: unknown) => {
        log.warn({ err: error, node }, "node lease was not given back; it will run out");
      });
    },
  };
}
