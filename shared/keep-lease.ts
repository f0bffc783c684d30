import { setTimeout as delay } from "node:timers/promises";
import type { RoutingService } from "./gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "./log.ts";
import type { RequestIdSource } from "./request-id.ts";
import type { ServiceClient } from "./rpc/index.ts";

/** A node lease that is kept alive. */
export interface KeptLease {
  /** Gives the node number back. */
  stop(): Promise<void>;
}

/** The clocks of a lease; tests bring their own. */
export interface LeaseClocks {
  /** Unix milliseconds, which somebody may set and which jumps when a machine wakes up. */
  readonly wallMs: () => number;
  /** Milliseconds that nothing but time moves, and that stand still while the machine sleeps. */
  readonly steadyMs: () => number;
}

/** Time between two looks whether the lease is due. No timer is set for the due time: it would sleep over a jump. */
const lookEveryMs = 1_000;
const retryMs = 500;
const callTimeoutMs = 5_000;
const longestMs = 60_000;
/** Longest wait of a request for a lease that was found invalid. */
const patienceMs = 2_000;

/**
 * Leases a node number for `ids` and renews it at a third of its time, at the latest after a minute, and at once when a
 * request finds it invalid: the clock of a laptop or a virtual machine that resumes is hours ahead. Resolves with the
 * first lease; while routing is away it keeps trying, and the source stops issuing by itself when the lease runs out.
 */
export async function keepLease(
  routing: Pick<ServiceClient<typeof RoutingService>, "leaseNode">,
  ids: RequestIdSource,
  holder: string,
  log: Log,
  { wallMs, steadyMs }: LeaseClocks = { wallMs: Date.now, steadyMs: () => performance.now() },
): Promise<KeptLease> {
  let node = -1;
  let dueWallMs = 0;
  let dueSteadyMs = 0;
  let restUntilSteadyMs = 0;
  let running: Promise<void> | undefined;

  async function lease(): Promise<void> {
    try {
      const renew = node >= 0;
      const given = await routing.leaseNode({ holder, node: renew ? node : 0, renew }, { timeoutMs: callTimeoutMs });
      node = given.node;
      const validUntilMs = Number(given.validUntilUnixMs);
      ids.setLease({ node, validFromMs: Number(given.validFromUnixMs), validUntilMs });
      const waitMs = Math.min(longestMs, Math.max(retryMs, (validUntilMs - wallMs()) / 3));
      dueWallMs = wallMs() + waitMs;
      dueSteadyMs = steadyMs() + waitMs;
    } catch (error) {
      log.warn({ err: error, node }, "node lease could not be had; will try again");
      // A renewal that is refused means the lease is lost: ask for any node.
      if (!ids.leaseValid()) node = -1;
    } finally {
      // Requests that find it still invalid do not all ask again: routing is away, or this clock is not routing's.
      if (!ids.leaseValid()) restUntilSteadyMs = steadyMs() + retryMs;
      running = undefined;
    }
  }

  /** One call at a time, for all who ask. */
  function renew(): Promise<void> {
    running ??= lease();
    return running;
  }

  function look(): void {
    if (wallMs() >= dueWallMs || steadyMs() >= dueSteadyMs) void renew();
  }

  await lease();
  const timer = setInterval(look, lookEveryMs).unref();
  ids.renewBy(async () => {
    if (running === undefined && steadyMs() < restUntilSteadyMs) return;
    await Promise.race([renew(), delay(patienceMs, undefined, { ref: false })]);
  });
  return {
    async stop() {
      clearInterval(timer);
      ids.renewBy(undefined);
      await running;
      if (node < 0) return;
      await routing.leaseNode({ holder, node, release: true }, { timeoutMs: callTimeoutMs }).catch((error: unknown) => {
        log.warn({ err: error, node }, "node lease was not given back; it will run out");
      });
    },
  };
}
