import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** Called after each small step of long work; gives a promise when it is others' turn. */
export type Pace = () => Promise<void> | undefined;

/**
 * How work in bulk shares the thread with requests that somebody waits for. A page of a thousand records, a list or a long
 * sum is cut into pieces. All that run at a time share the pieces, so that ten readers take no more of the thread than one.
 */
export interface Pacing {
  /** The pace of one piece of work in bulk. */
  pace(): Pace;
  /** A request begins that work in bulk gives way to. */
  begun(): void;
  /** It has been answered. */
  ended(): void;
}

/** Work in one go before others have their turn. */
const pieceMs = 0.7;
/** A step that took longer counts as so long: the process may have had to wait for the machine. */
const longestStepMs = 5;
/**
 * Rests after a piece, while a request runs and when one has run a moment ago. A request takes twenty turns of the thread,
 * most of them after an answer of PostgreSQL or of an upstream. Where each had to wait for a piece, chat beside a loop of
 * pages of 1,000 took 12 ms at p50 where it takes 3 alone. Rests also leave PostgreSQL and the collector of garbage less to
 * do at a time.
 */
const restMs = { running: 3, recent: 1 } as const;
const recentMs = 100;

/** What tells the time and waits; tests bring their own. */
export interface PacingClock {
  /** Monotonic. */
  nowMs(): number;
  nextTurn(): Promise<unknown>;
  rest(ms: number): Promise<unknown>;
}

const realClock: PacingClock = { nowMs: () => performance.now(), nextTurn: () => nextTurn(), rest: (ms) => sleep(ms) };

/** Creates what the gateway and history of one process share. */
export function createPacing({ nowMs, nextTurn, rest }: PacingClock = realClock): Pacing {
  let running = 0;
  let lastEndedMs = Number.NEGATIVE_INFINITY;
  let spentMs = 0;
  let others: Promise<void> | undefined;

  function pause(atMs: number): Promise<unknown> {
    if (running > 0) return rest(restMs.running);
    return atMs - lastEndedMs < recentMs ? rest(restMs.recent) : nextTurn();
  }

  function goOn(): void {
    others = undefined;
    spentMs = 0;
  }

  return {
    pace() {
      let sinceMs = nowMs();
      const begin = (): void => {
        sinceMs = nowMs();
      };
      return () => {
        const atMs = nowMs();
        spentMs += Math.min(atMs - sinceMs, longestStepMs);
        sinceMs = atMs;
        if (others === undefined && spentMs < pieceMs) return undefined;
        others ??= pause(atMs).then(goOn);
        return others.then(begin);
      };
    },
    begun() {
      running++;
    },
    ended() {
      running--;
      lastEndedMs = nowMs();
    },
  };
}

/** Maps a list in pieces. */
export async function mapInPieces<T, R>(items: readonly T[], pace: Pace, map: (item: T) => R): Promise<R[]> {
  const mapped: R[] = [];
  for (const item of items) {
    mapped.push(map(item));
    const waiting = pace();
    if (waiting !== undefined) await waiting;
  }
  return mapped;
}
