/** A large deletion that waits, as it is kept in the database. Unix milliseconds of the database's clock. */
export interface Hold {
  /** When it was first found that too much would go. */
  readonly sinceMs: number;
  /** When the last period went; 0: none has. */
  readonly steppedMs: number;
}

/** What a table holds beyond its retention, and what the clocks say. */
export interface PastRetention {
  /** The database's clock, by which `due` was found. */
  readonly nowMs: number;
  /** This process's clock. */
  readonly ownMs: number;
  /** Where each period ends of which all is past the retention, ascending. */
  readonly due: readonly bigint[];
  /** Periods that end there or below may go at once: the operator said so. */
  readonly confirmed: bigint;
  /** Nothing is there that is younger than the retention. */
  readonly everything: boolean;
  readonly hold: Hold | undefined;
}

/** What may go now. */
export interface RetentionStep {
  /** Everything below this may go; 0: nothing. */
  readonly below: bigint;
  /** To be kept for the next time; undefined: there is none any more. */
  readonly hold: Hold | undefined;
  /** Periods past their retention that stay for now. */
  readonly waiting: number;
  /** Why they do. */
  readonly reason: "clocks differ" | "too much at once" | undefined;
}

/** Clocks further apart than this are not both right. */
export const clockToleranceMs = 5 * 60_000;
/** How long a deletion of more than one period is announced before it begins. */
export const announcedMs = 24 * 3_600_000;
/** Time between two periods of such a deletion. */
export const stepEveryMs = 3_600_000;

/**
 * Decides what goes of what is past its retention. One period at a time goes by itself. More than one, or all there is,
 * is what a clock that is wrong looks like, and a retention that was lowered, and a system that was off for months: that
 * waits for a day, in which a wrong clock is noticed and set right, and then goes one period an hour. What cannot be
 * undone is never decided by one clock: nothing goes while the database's and the process's differ.
 */
export function decideRetention({ nowMs, ownMs, due, confirmed, everything, hold }: PastRetention): RetentionStep {
  const below = due.findLast((end) => end <= confirmed) ?? 0n;
  const rest = due.filter((end) => end > below);
  if (rest.length === 0) return { below, hold: undefined, waiting: 0, reason: undefined };
  if (Math.abs(nowMs - ownMs) > clockToleranceMs) return { below, hold, waiting: rest.length, reason: "clocks differ" };
  const [oldest = 0n] = rest;
  if (rest.length === 1 && !everything) return { below: oldest, hold: undefined, waiting: 0, reason: undefined };
  // A clock that was set back tells that the hold was made by a wrong one.
  const current = hold === undefined || hold.sinceMs > nowMs ? { sinceMs: nowMs, steppedMs: 0 } : hold;
  const ripe = nowMs - current.sinceMs >= announcedMs && nowMs - current.steppedMs >= stepEveryMs;
  if (!ripe) return { below, hold: current, waiting: rest.length, reason: "too much at once" };
  return {
    below: oldest,
    hold: { ...current, steppedMs: nowMs },
    waiting: rest.length - 1,
    reason: rest.length > 1 ? "too much at once" : undefined,
  };
}
