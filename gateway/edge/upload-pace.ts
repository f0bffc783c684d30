import type { Socket } from "node:net";
import type { GatewayContext } from "../context.ts";
import type { Incoming } from "../story/incoming.ts";

/** Slowest rate of a form, on average since its first byte. */
const leastBytesPerMs = 256;

/** How often a form that takes longer than other requests is looked at, as a part of the time that those have. */
const looksPerTimeout = 12;

/** What is known of a request while it comes. */
export interface Arriving {
  readonly incoming: Incoming;
  /** False: its body has not come to its end. */
  isComplete(): boolean;
}

/** True: the form has come so fast until now that it may go on. Of other bodies nothing is counted: they have their time, and no more. */
export function keepsPace({ formBytes, arrivedMs }: Incoming, nowMs: number): boolean {
  return formBytes > 0 && formBytes >= (nowMs - arrivedMs) * leastBytesPerMs;
}

/**
 * Lets a form go on beyond the time that requests have to arrive, for as long as it keeps its pace: what is slow is a client, however
 * large its file. A form that falls behind is told as any other request that did not arrive in time.
 */
export function watchPace(
  { config, log }: Pick<GatewayContext, "config" | "log">,
  socket: Socket,
  arriving: Arriving,
  fallenBehind: () => void,
): void {
  const look = setInterval(() => {
    const over = socket.destroyed || arriving.isComplete();
    if (!over && keepsPace(arriving.incoming, performance.now())) return;
    clearInterval(look);
    if (over) return;
    log.info({ request_id: arriving.incoming.idText, bytes: arriving.incoming.formBytes }, "a form came too slowly");
    fallenBehind();
  }, config.receiveTimeoutMs / looksPerTimeout);
  look.unref();
}
