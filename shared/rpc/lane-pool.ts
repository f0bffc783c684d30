import type { ThroughlineError } from "../errors/error.ts";
import { createAbsence } from "./absence.ts";
import type { ClientCall } from "./client-call.ts";
import type { ClientLane } from "./client-lane.ts";
import { unavailableError, unsentError } from "./faults.ts";
import { createLaneKeeper, leftAloneAfterMs } from "./lane-keeper.ts";
import type { OpenLink } from "./link.ts";

/** What the lanes of one method are made with. */
export interface LanePoolOptions<P> {
  readonly open: OpenLink<P>;
  /** Lanes kept open. */
  readonly lanes: number;
  /** Age at which a lane is replaced, give or take a fifth. */
  readonly maxAgeMs: number;
  /** How long calls wait for others to travel with; 0: to the end of their tick. */
  readonly lingerMs: number;
  /**
   * When a lane that is asked should have brought a result. "soon": others are preferred to one that is quiet for a second.
   * "promptly": where all are quiet for some seconds, further calls fail at once. Default: a lane may be quiet for long.
   */
  readonly answers?: "soon" | "promptly" | undefined;
  /** Called when calls have waited for a lane in vain; gives why, where it is known. */
  readonly unreachable?: (() => Error | undefined) | undefined;
}

/** The lanes of one method of one client. */
export interface LanePool<P> {
  /** Sends a call with the others of this tick, or when a lane is there. */
  submit(call: ClientCall<P>): void;
  /** Opens lanes and resolves when one is ready. */
  ready(timeoutMs: number): Promise<void>;
  close(graceMs: number): Promise<void>;
}

/** How long a call waits for a lane while none is ready. */
const waitForLaneMs = 2_000;
const fullBatch = 256;
/** Longest time that acknowledgements wait for items to travel with. */
const acknowledgeWithinMs = 2_000;

/** Gathers the calls of a method and carries them, a batch at a time, to the lanes that a keeper holds open for it. */
export function createLanePool<P>(options: LanePoolOptions<P>): LanePool<P> {
  let waiting: ClientCall<P>[] = [];
  let flushScheduled = false;
  let lingering = false;
  let acknowledging = false;
  let waitTimer: NodeJS.Timeout | undefined;
  let closing = false;
  const readyWaiters = new Set<() => void>();
  const absence = createAbsence<P>();
  /** Why calls waited in vain the last time. */
  let whyAway: Error | undefined;
  const keeper = createLaneKeeper<P>(
    { ...options, leavesQuietAlone: options.answers !== undefined },
    {
      ready() {
        absence.back();
        for (const waiter of readyWaiters) waiter();
        if (waiting.length > 0) schedule();
      },
      brought: absence.back,
      writable: schedule,
      acknowledges() {
        if (acknowledging) return;
        acknowledging = true;
        setTimeout(sendAcknowledgements, acknowledgeWithinMs).unref();
      },
      lost,
    },
  );

  function schedule(): void {
    if (flushScheduled) return;
    flushScheduled = true;
    setImmediate(flush);
  }

  /** A few hundred calls are a good batch: they wait no longer. */
  function scheduleLater(): void {
    if (options.lingerMs === 0 || waiting.length >= fullBatch) schedule();
    else if (!lingering) {
      lingering = true;
      setTimeout(() => {
        lingering = false;
        flush();
      }, options.lingerMs);
    }
  }

  function flush(): void {
    flushScheduled = false;
    for (const lane of keeper.lanes) lane.sendControls();
    sendCalls();
    for (const lane of keeper.lanes) lane.sendPieces();
  }

  function sendCalls(): void {
    if (waiting.length === 0) return;
    const nowMs = performance.now();
    const lane = keeper.pick(nowMs);
    if (lane === undefined) {
      absence.noLane(nowMs);
      keeper.keep();
      armWaitTimer();
      return;
    }
    // All ready lanes are backed up: `writable` brings us back.
    if (lane.congested) return;
    const calls = waiting;
    waiting = [];
    if (options.answers === "promptly") absence.quiet(lane.quietMs(nowMs));
    lane.open(
      calls.filter((call) => !call.done && admit(call)),
      nowMs,
    );
  }

  function sendAcknowledgements(): void {
    acknowledging = false;
    for (const lane of keeper.lanes) lane.sendAcknowledgements();
  }

  /** One that waits for its second lane was sent once. */
  function failWaiting(call: ClientCall<P>, why: Error | undefined): void {
    call.fail(call.callId === 0 ? unsentError(why) : unavailableError(why));
  }

  /** Fails a call at once where nobody answers and another one finds out whether that is over. */
  function admit(call: ClientCall<P>): boolean {
    if (absence.admits(call)) return true;
    failWaiting(call, whyAway);
    return false;
  }

  function armWaitTimer(): void {
    const oldest = waiting[0];
    if (waitTimer !== undefined || oldest === undefined) return;
    const delayMs = oldest.waitingSinceMs + waitForLaneMs - performance.now();
    waitTimer = setTimeout(giveUpWaiting, Math.max(1, delayMs));
  }

  function giveUpWaiting(): void {
    waitTimer = undefined;
    const nowMs = performance.now();
    if (keeper.pick(nowMs) !== undefined) return;
    const overdueMs = nowMs - waitForLaneMs;
    const calls = waiting;
    waiting = calls.filter((call) => !call.done && call.waitingSinceMs > overdueMs);
    const overdue = calls.filter((call) => !call.done && call.waitingSinceMs <= overdueMs);
    if (overdue.length > 0) {
      whyAway = options.unreachable?.();
      absence.gaveUp(nowMs);
    }
    for (const call of overdue) failWaiting(call, whyAway);
    armWaitTimer();
  }

  /** The calls of a lane that is gone: those that may be sent twice wait for another lane, once. */
  function lost(lane: ClientLane<P>, fault: Error | undefined, nowMs: number): void {
    // Nobody was there while it hung.
    const hungMs = options.answers === undefined ? 0 : lane.quietMs(nowMs);
    if (hungMs >= leftAloneAfterMs) absence.noLane(nowMs - hungMs);
    for (const call of lane.calls.values()) {
      lane.calls.delete(call.callId);
      if (!call.repeatable || closing) {
        call.fail(unavailableError(fault));
        continue;
      }
      call.repeatable = false;
      call.lane = undefined;
      call.waitingSinceMs = nowMs;
      waiting.push(call);
    }
    if (waiting.length > 0 && !closing) schedule();
  }

  return {
    submit(call) {
      if (closing) {
        failWaiting(call, undefined);
        return;
      }
      if (!admit(call)) return;
      waiting.push(call);
      if (call.waited) schedule();
      else scheduleLater();
    },

    ready(timeoutMs) {
      keeper.keep();
      return new Promise((resolve, reject) => {
        const waiter = (): void => settle(undefined);
        const timer = setTimeout(() => settle(unavailableError(options.unreachable?.())), timeoutMs);
        function settle(error: ThroughlineError | undefined): void {
          clearTimeout(timer);
          readyWaiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        }
        if (keeper.pick(performance.now()) !== undefined) waiter();
        else readyWaiters.add(waiter);
      });
    },

    async close(graceMs) {
      if (closing) return;
      // Items that linger are sent now.
      flush();
      closing = true;
      clearTimeout(waitTimer);
      const unsent = waiting;
      waiting = [];
      for (const call of unsent) failWaiting(call, undefined);
      await keeper.close(graceMs);
    },
  };
}
