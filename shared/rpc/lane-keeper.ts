import { type ClientLane, type LaneState, openClientLane } from "./client-lane.ts";
import type { OpenLink } from "./link.ts";

/** What the lanes of one method are kept by. */
export interface LaneKeeping<P> {
  readonly open: OpenLink<P>;
  /** Lanes kept open. */
  readonly lanes: number;
  /** Age at which a lane is replaced, give or take a fifth. */
  readonly maxAgeMs: number;
  /** Whether others are preferred to a lane that is asked and says nothing for a while. */
  readonly leavesQuietAlone: boolean;
}

/** What is heard of the lanes that are kept. */
export interface KeeperEvents<P> {
  /** A lane is ready. */
  ready(): void;
  /** A lane has brought a result. */
  brought(): void;
  /** A lane has something to send, or can take more again. */
  writable(): void;
  /** Acknowledgements wait on a lane for items to travel with. */
  acknowledges(): void;
  /** A lane is gone; what is open on it needs another, or ends. */
  lost(lane: ClientLane<P>, fault: Error | undefined, nowMs: number): void;
}

/** Keeps the lanes of a method: opens, picks, renews, replaces and closes them. */
export interface LaneKeeper<P> {
  /** Those that are not closed. */
  readonly lanes: Iterable<ClientLane<P>>;
  /** Opens what is missing. */
  keep(): void;
  /** The ready lane with the fewest calls on it, one that is not backed up or quiet if there is one. */
  pick(nowMs: number): ClientLane<P> | undefined;
  /** Opens no more, and resolves when all have ended; cuts them after the grace. */
  close(graceMs: number): Promise<void>;
}

/** Pauses before a lane is opened again after it was refused or broke at once. */
const firstBackoffMs = 50;
const maxBackoffMs = 1_000;
/** A lane that is asked and says nothing for so long is left alone while others answer. */
export const leftAloneAfterMs = 1_000;
/** A lane that lived so long was no failed attempt. */
const stableMs = 1_000;

/** Creates it; opens nothing until `keep`. */
export function createLaneKeeper<P>(options: LaneKeeping<P>, events: KeeperEvents<P>): LaneKeeper<P> {
  const lanes = new Set<ClientLane<P>>();
  let reopenTimer: NodeJS.Timeout | undefined;
  let failures = 0;
  let generation = 0;
  let closing = false;
  let closed: (() => void) | undefined;

  function loadOf(lane: ClientLane<P>, nowMs: number): number {
    const { load } = lane;
    if (lane.congested) return load + 1e9;
    return options.leavesQuietAlone && lane.quietMs(nowMs) >= leftAloneAfterMs ? load + 1e6 : load;
  }

  /** Opens lanes below the number wanted. */
  function keep(): void {
    if (closing || reopenTimer !== undefined) return;
    let alive = 0;
    for (const { state } of lanes) if (state === "opening" || state === "ready") alive += 1;
    for (; alive < options.lanes; alive += 1) open(undefined);
  }

  /** @param relieves the older lane that the new one relieves when it is ready. */
  function open(relieves: ClientLane<P> | undefined): void {
    const lane: ClientLane<P> = openClientLane<P>(options.open, {
      ready() {
        lane.after(ageMs(), () => renew(lane));
        if (relieves !== undefined) retire(relieves);
        events.ready();
      },
      brought: events.brought,
      writable: events.writable,
      acknowledges: events.acknowledges,
      draining: () => retire(lane),
      closed: (was, fault) => onClosed(lane, was, fault, relieves),
    });
    lanes.add(lane);
  }

  /** The first lanes live a twentieth to a fifth as long: they often all land on the one peer that was up first. */
  function ageMs(): number {
    generation += 1;
    const part = generation <= options.lanes ? 0.05 + Math.random() * 0.15 : 0.8 + Math.random() * 0.4;
    return options.maxAgeMs * part;
  }

  /** Opens a lane to relieve one of age; the old one serves until the new one is ready. */
  function renew(lane: ClientLane<P>): void {
    if (closing || lane.state !== "ready") return;
    open(lane);
  }

  function retire(lane: ClientLane<P>): void {
    if (lane.retire()) keep();
  }

  function onClosed(
    lane: ClientLane<P>,
    was: LaneState,
    fault: Error | undefined,
    relieves: ClientLane<P> | undefined,
  ): void {
    const nowMs = performance.now();
    lanes.delete(lane);
    events.lost(lane, fault, nowMs);
    if (closing) {
      if (lanes.size === 0) closed?.();
      return;
    }
    // The lane to be relieved is still there: try again when the next pause is over.
    if (was === "opening" && relieves?.state === "ready") {
      relieves.after(maxBackoffMs, () => renew(relieves));
      return;
    }
    if (was === "retired") return;
    reopen(was !== "opening" && nowMs - lane.bornMs >= stableMs);
  }

  function reopen(wasStable: boolean): void {
    failures = wasStable ? 0 : failures + 1;
    if (wasStable) {
      keep();
      return;
    }
    if (reopenTimer !== undefined) return;
    const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(10, failures - 1));
    reopenTimer = setTimeout(
      () => {
        reopenTimer = undefined;
        keep();
      },
      backoffMs * (0.8 + Math.random() * 0.4),
    );
    reopenTimer.unref();
  }

  return {
    lanes,
    keep,
    pick(nowMs) {
      let best: ClientLane<P> | undefined;
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
    },
    async close(graceMs) {
      closing = true;
      clearTimeout(reopenTimer);
      const open = [...lanes];
      if (open.length === 0) return;
      const allClosed = new Promise<void>((resolve) => {
        closed = resolve;
      });
      for (const lane of open) {
        if (lane.state === "opening") lane.destroy();
        else retire(lane);
      }
      const timer = setTimeout(() => {
        for (const lane of [...lanes]) lane.destroy();
      }, graceMs);
      await allClosed;
      clearTimeout(timer);
    },
  };
}
