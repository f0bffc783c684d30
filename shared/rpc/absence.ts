import type { ClientCall } from "./client-call.ts";

/** Whether anybody answers the calls of a pool. A peer that hangs is tried by one call at a time, and not by all. */
export interface Absence<P> {
  /** False: the call is to fail at once, for nobody has answered for a while and another call finds out whether that is over. */
  admits(call: ClientCall<P>): boolean;
  /** Calls look for a lane and there is none, or there was none that answered from then on. */
  noLane(sinceMs: number): void;
  /** Calls have waited for a lane in vain. */
  gaveUp(nowMs: number): void;
  /** The lane that calls are about to go on has been quiet for so long. */
  quiet(quietMs: number): void;
  /** A lane is ready, or has brought a result. */
  back(): void;
}

/** How long nobody answers before calls stop to wait. A process that is started again takes less. */
const awayAfterMs = 5_000;

/** Creates it: at first somebody is taken to be there. */
export function createAbsence<P>(): Absence<P> {
  let away = false;
  let noLaneSinceMs: number | undefined;
  /** The call that finds out. */
  let probe: ClientCall<P> | undefined;

  return {
    admits(call) {
      if (!away || probe === call) return true;
      if (probe?.done === false) return false;
      probe = call;
      return true;
    },
    noLane(sinceMs) {
      noLaneSinceMs ??= sinceMs;
    },
    gaveUp(nowMs) {
      if (noLaneSinceMs !== undefined && nowMs - noLaneSinceMs >= awayAfterMs) away = true;
    },
    quiet(quietMs) {
      if (quietMs >= awayAfterMs) away = true;
    },
    back() {
      away = false;
      noLaneSinceMs = undefined;
      probe = undefined;
    },
  };
}
