import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { createRequestCount, type RequestCount, sharedNowMs } from "./request-count.ts";

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

/** How long work in bulk works and rests. */
export interface Pieces {
  /** Work in one go before others have their turn. */
  readonly pieceMs: number;
  /** The rest after work of `spentMs`, while a request runs (`now`) or when one has run a moment ago. */
  restMs(now: boolean, spentMs: number): number;
}

/**
 * On the thread that answers requests. A request takes twenty turns of it, most of them after an answer of PostgreSQL or of an
 * upstream. Where each had to wait for a piece, chat beside a loop of pages of 1,000 took 12 ms at p50 where it takes 3 alone.
 * Rests also leave PostgreSQL and the collector of garbage less to do at a time.
 */
const amongRequests: Pieces = { pieceMs: 0.7, restMs: (now) => (now ? 3 : 1) };

/**
 * On a thread of its own, which keeps nobody from the thread that answers requests, but takes, with the server of its statements, both cores
 * of a small machine. With rests of three times the work both use 0.4 of a core together.
 */
export const besideRequests: Pieces = { pieceMs: 2, restMs: (now, spentMs) => (now ? 4 : 3) * spentMs };

/** A step that took longer counts as so long: the process may have had to wait for the machine. */
const longestStepMs = 5;
const recentMs = 100;

/** What tells the time and waits; tests bring their own. */
export interface PacingClock {
  /** Monotonic. */
  nowMs(): number;
  nextTurn(): Promise<unknown>;
  rest(ms: number): Promise<unknown>;
}

const realClock: PacingClock = { nowMs: sharedNowMs, nextTurn: () => nextTurn(), rest: (ms) => sleep(ms) };

/** What a pacing may be made with. */
export interface PacingOptions {
  readonly clock?: PacingClock;
  readonly pieces?: Pieces;
  /** The requests that work gives way to, for a thread that gives way to those of another. Default: a count of its own. */
  readonly requests?: RequestCount;
}

/** Creates what the gateway and history of one process share. */
export function createPacing({
  clock: { nowMs, nextTurn, rest } = realClock,
  pieces: { pieceMs, restMs } = amongRequests,
  requests = createRequestCount(nowMs),
}: PacingOptions = {}): Pacing {
  let spentMs = 0;
  let others: Promise<void> | undefined;

  function pause(atMs: number): Promise<unknown> {
    const now = requests.running() > 0;
    return now || atMs - requests.lastEndedMs() < recentMs ? rest(restMs(now, spentMs)) : nextTurn();
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
    begun: requests.begun,
    ended: requests.ended,
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
