import type { ThroughlineError } from "../errors/error.ts";
import { createAbsence } from "./absence.ts";
import { type CallTable, createCallTable } from "./call-table.ts";
import type { CallLane, ClientCall } from "./client-call.ts";
import { unavailableError } from "./faults.ts";
import { type ClientLink, type ClientLinkEvents, callOp, type OpenLink, type OutgoingItem } from "./link.ts";

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
/** Pauses before a lane is opened again after it was refused or broke at once. */
const firstBackoffMs = 50;
const maxBackoffMs = 1_000;
const fullBatch = 256;
/** Longest time that acknowledgements wait for items to travel with. */
const acknowledgeWithinMs = 2_000;
/** A lane that is asked and says nothing for so long is left alone while others answer. */
const leftAloneAfterMs = 1_000;
/** A lane that lived so long was no failed attempt. */
const stableMs = 1_000;

interface WaitingPiece {
  readonly item: OutgoingItem;
  /** Tells its sender that the lane has taken it, or is gone. */
  readonly taken: () => void;
}

interface Lane<P> extends CallLane {
  state: "opening" | "ready" | "retired" | "closed";
  readonly link: ClientLink;
  readonly calls: CallTable<ClientCall<P>>;
  controls: OutgoingItem[];
  /** Pieces of bodies that wait until the lane can take them: calls and controls go first. */
  pieces: WaitingPiece[];
  /** Acknowledgements that wait for items to travel with. */
  acknowledgements: OutgoingItem[];
  /** Calls that were sent and are not acknowledged yet: the lane stays for them. */
  owed: number;
  lastCallId: number;
  bornMs: number;
  /** When the first call since the last result was sent. */
  quietSinceMs: number | undefined;
  /** Calls forgotten since the last result: a peer that hangs looks busy, not idle. */
  unanswered: number;
  /** The older lane that this one relieves when it is ready. */
  readonly relieves: Lane<P> | undefined;
  ageTimer: NodeJS.Timeout | undefined;
}

/** Keeps the lanes of a method: opens, picks, renews, replaces and closes them, and carries calls to them. */
export function createLanePool<P>(options: LanePoolOptions<P>): LanePool<P> {
  const lanes = new Set<Lane<P>>();
  let waiting: ClientCall<P>[] = [];
  let flushScheduled = false;
  let lingering = false;
  let acknowledging = false;
  let waitTimer: NodeJS.Timeout | undefined;
  let reopenTimer: NodeJS.Timeout | undefined;
  let failures = 0;
  let generation = 0;
  let closing = false;
  let closed: (() => void) | undefined;
  const readyWaiters = new Set<() => void>();
  const absence = createAbsence<P>();
  /** Why calls waited in vain the last time. */
  let whyAway: Error | undefined;

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
    sendControls();
    sendCalls();
    for (const lane of lanes) if (lane.pieces.length > 0) sendPieces(lane);
  }

  function sendControls(): void {
    for (const lane of lanes) {
      if (lane.controls.length === 0 || lane.link.congested || lane.state === "closed") continue;
      const { controls } = lane;
      lane.controls = [];
      lane.link.send(controls);
    }
  }

  /** One by one, so that no more than one is beyond what the lane takes. */
  function sendPieces(lane: Lane<P>): void {
    while (lane.pieces.length > 0 && !lane.link.congested && lane.state !== "closed") {
      const { item, taken } = lane.pieces.shift() as WaitingPiece;
      if (lane.calls.get(item.callId) !== undefined) lane.link.send([item]);
      taken();
    }
  }

  function sendCalls(): void {
    if (waiting.length === 0) return;
    const nowMs = performance.now();
    const lane = pick(nowMs);
    if (lane === undefined) {
      absence.noLane(nowMs);
      keepLanes();
      armWaitTimer();
      return;
    }
    // All ready lanes are backed up: `writable` brings us back.
    if (lane.link.congested) return;
    const calls = waiting;
    waiting = [];
    if (options.answers === "promptly") absence.quiet(quietMs(lane, nowMs));
    if (lane.calls.size === 0) lane.quietSinceMs = undefined;
    lane.quietSinceMs ??= nowMs;
    const batch: ClientCall<P>[] = [];
    for (const call of calls) {
      if (call.done || !admit(call)) continue;
      lane.lastCallId += 1;
      call.sent(lane, lane.lastCallId, nowMs);
      lane.calls.add(call);
      if (call.acknowledgement !== undefined) lane.owed += 1;
      batch.push(call);
    }
    if (batch.length > 0) lane.link.send(withAcknowledgements(lane, batch));
    for (const call of batch) if (!call.repeatable) call.message = undefined;
  }

  function withAcknowledgements(lane: Lane<P>, items: readonly OutgoingItem[]): readonly OutgoingItem[] {
    const { acknowledgements } = lane;
    if (acknowledgements.length === 0) return items;
    lane.acknowledgements = [];
    return items.length === 0 ? acknowledgements : [...acknowledgements, ...items];
  }

  function sendAcknowledgements(): void {
    acknowledging = false;
    for (const lane of lanes) {
      if (lane.acknowledgements.length > 0 && lane.state !== "closed") lane.link.send(withAcknowledgements(lane, []));
    }
  }

  /** Fails a call at once where nobody answers and another one finds out whether that is over. */
  function admit(call: ClientCall<P>): boolean {
    if (absence.admits(call)) return true;
    call.fail(unavailableError(whyAway));
    return false;
  }

  /** How long a lane has been asked and said nothing. */
  function quietMs({ calls, quietSinceMs }: Lane<P>, nowMs: number): number {
    return quietSinceMs === undefined || calls.size === 0 ? 0 : nowMs - quietSinceMs;
  }

  function loadOf(lane: Lane<P>, nowMs: number): number {
    const load = lane.calls.size + lane.unanswered;
    if (lane.link.congested) return load + 1e9;
    return options.answers !== undefined && quietMs(lane, nowMs) >= leftAloneAfterMs ? load + 1e6 : load;
  }

  /** The ready lane with the fewest calls on it, one that is not backed up or quiet if there is one. */
  function pick(nowMs: number): Lane<P> | undefined {
    let best: Lane<P> | undefined;
    let bestLoad = 0;
    for (const lane of lanes) {
      if (lane.state !== "ready") continue;
      const load = loadOf(lane, nowMs);
      if (best !== undefined && load >= bestLoad) continue;
      best = lane;
      bestLoad = load;
    }
    // To the end of the set: equally idle lanes take turns.
    if (best !== undefined && lanes.size > 1) {
      lanes.delete(best);
      lanes.add(best);
    }
    return best;
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
    if (pick(nowMs) !== undefined) return;
    const overdueMs = nowMs - waitForLaneMs;
    const calls = waiting;
    waiting = calls.filter((call) => !call.done && call.waitingSinceMs > overdueMs);
    const overdue = calls.filter((call) => !call.done && call.waitingSinceMs <= overdueMs);
    if (overdue.length > 0) {
      whyAway = options.unreachable?.();
      absence.gaveUp(nowMs);
    }
    for (const call of overdue) call.fail(unavailableError(whyAway));
    armWaitTimer();
  }

  /** Opens what is missing: lanes below the number wanted, and relief for lanes of age. */
  function keepLanes(): void {
    if (closing || reopenTimer !== undefined) return;
    let alive = 0;
    for (const lane of lanes) if (lane.state === "opening" || lane.state === "ready") alive += 1;
    for (; alive < options.lanes; alive += 1) openLane(undefined);
  }

  function openLane(relieves: Lane<P> | undefined): void {
    const events: ClientLinkEvents<P> = {
      ready: () => {
        if (lane.state !== "opening") return;
        lane.state = "ready";
        lane.bornMs = performance.now();
        absence.back();
        lane.ageTimer = setTimeout(() => renew(lane), ageMs());
        lane.ageTimer.unref();
        if (relieves !== undefined) retire(relieves);
        for (const waiter of readyWaiters) waiter();
        if (waiting.length > 0) schedule();
      },
      result: (callId, kind, payload) => {
        const call = lane.calls.get(callId);
        lane.unanswered = 0;
        lane.quietSinceMs = undefined;
        absence.back();
        if (call === undefined) return;
        if (kind === "frame") {
          call.frame(payload);
          return;
        }
        if (kind === "want") {
          call.want(payload);
          return;
        }
        lane.calls.delete(callId);
        if (kind === "ok") call.ok(payload);
        else call.refused(payload);
        endIfDone(lane);
      },
      unsent: (callId, error) => {
        const call = lane.calls.get(callId);
        lane.calls.delete(callId);
        call?.fail(error);
        endIfDone(lane);
      },
      draining: () => {
        if (lane.state === "opening") lane.link.destroy();
        retire(lane);
      },
      writable: schedule,
      closed: (fault) => onClosed(lane, fault),
    };
    const lane: Lane<P> = {
      state: "opening",
      link: options.open(events),
      calls: createCallTable(),
      controls: [],
      pieces: [],
      acknowledgements: [],
      owed: 0,
      lastCallId: 0,
      bornMs: performance.now(),
      quietSinceMs: undefined,
      unanswered: 0,
      relieves,
      ageTimer: undefined,
      control: (item) => {
        lane.controls.push(item);
        schedule();
      },
      data: (item) =>
        new Promise((taken) => {
          lane.pieces.push({ item, taken });
          schedule();
        }),
      forget: (callId) => {
        if (lane.calls.delete(callId)) lane.unanswered += 1;
        endIfDone(lane);
      },
      acknowledge: (callId) => {
        if (lane.state === "closed") return;
        lane.owed -= 1;
        const item = {
          callId,
          op: callOp.acknowledge,
          requestId: 0n,
          traceparent: "",
          timeoutMs: 0,
          message: undefined,
        };
        lane.acknowledgements.push(item);
        if (lane.acknowledgements.length >= fullBatch) lane.link.send(withAcknowledgements(lane, []));
        else if (!acknowledging) {
          acknowledging = true;
          setTimeout(sendAcknowledgements, acknowledgeWithinMs).unref();
        }
        endIfDone(lane);
      },
    };
    lanes.add(lane);
  }

  /** The first lanes live a twentieth to a fifth as long: they often all land on the one peer that was up first. */
  function ageMs(): number {
    generation += 1;
    const part = generation <= options.lanes ? 0.05 + Math.random() * 0.15 : 0.8 + Math.random() * 0.4;
    return options.maxAgeMs * part;
  }

  /** Opens a lane to relieve one of age; the old one serves until the new one is ready. */
  function renew(lane: Lane<P>): void {
    if (closing || lane.state !== "ready") return;
    openLane(lane);
  }

  /** No new calls on this lane; it ends when its open ones have. */
  function retire(lane: Lane<P>): void {
    if (lane.state === "retired" || lane.state === "closed") return;
    lane.state = "retired";
    clearTimeout(lane.ageTimer);
    endIfDone(lane);
    keepLanes();
  }

  function endIfDone(lane: Lane<P>): void {
    if (lane.state !== "retired" || lane.calls.size > 0 || lane.owed > 0) return;
    const last = withAcknowledgements(lane, lane.controls);
    if (last.length > 0) lane.link.send(last);
    lane.controls = [];
    lane.link.end();
  }

  function onClosed(lane: Lane<P>, fault: Error | undefined): void {
    if (lane.state === "closed") return;
    const wasOpening = lane.state === "opening";
    const wasRetired = lane.state === "retired";
    const lived = performance.now() - lane.bornMs;
    lane.state = "closed";
    lanes.delete(lane);
    for (const { taken } of lane.pieces.splice(0)) taken();
    clearTimeout(lane.ageTimer);
    const nowMs = performance.now();
    // Nobody was there while it hung.
    const hungMs = options.answers === undefined ? 0 : quietMs(lane, nowMs);
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
    if (closing) {
      if (lanes.size === 0) closed?.();
      return;
    }
    if (waiting.length > 0) schedule();
    // The lane to be relieved is still there: try again when the next pause is over.
    if (wasOpening && lane.relieves?.state === "ready") {
      lane.relieves.ageTimer = setTimeout(() => renew(lane.relieves as Lane<P>), maxBackoffMs);
      lane.relieves.ageTimer.unref();
      return;
    }
    if (wasRetired) return;
    reopen(!wasOpening && lived >= stableMs);
  }

  function reopen(wasStable: boolean): void {
    failures = wasStable ? 0 : failures + 1;
    if (wasStable) {
      keepLanes();
      return;
    }
    if (reopenTimer !== undefined) return;
    const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(10, failures - 1));
    reopenTimer = setTimeout(
      () => {
        reopenTimer = undefined;
        keepLanes();
      },
      backoffMs * (0.8 + Math.random() * 0.4),
    );
    reopenTimer.unref();
  }

  return {
    submit(call) {
      if (closing) {
        call.fail(unavailableError());
        return;
      }
      if (!admit(call)) return;
      waiting.push(call);
      scheduleLater();
    },

    ready(timeoutMs) {
      keepLanes();
      return new Promise((resolve, reject) => {
        const waiter = (): void => settle(undefined);
        const timer = setTimeout(() => settle(unavailableError(options.unreachable?.())), timeoutMs);
        function settle(error: ThroughlineError | undefined): void {
          clearTimeout(timer);
          readyWaiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        }
        if (pick(performance.now()) !== undefined) waiter();
        else readyWaiters.add(waiter);
      });
    },

    async close(graceMs) {
      if (closing) return;
      // What lingers goes now.
      flush();
      closing = true;
      clearTimeout(waitTimer);
      clearTimeout(reopenTimer);
      const unsent = waiting;
      waiting = [];
      for (const call of unsent) call.fail(unavailableError());
      const open = [...lanes];
      if (open.length === 0) return;
      const allClosed = new Promise<void>((resolve) => {
        closed = resolve;
      });
      for (const lane of open) {
        if (lane.state === "opening") lane.link.destroy();
        else retire(lane);
      }
      const timer = setTimeout(() => {
        for (const lane of [...lanes]) lane.link.destroy();
      }, graceMs);
      await allClosed;
      clearTimeout(timer);
    },
  };
}
