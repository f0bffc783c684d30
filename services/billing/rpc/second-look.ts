import { ThroughlineError } from "../../../shared/errors/error.ts";
import { nextLookMs } from "../domain/looks.ts";
import type { Asked, JudgeOne, Outcome } from "./judge.ts";

/**
 * Judges refused requests again for a short time, where nothing but what others hold stands in their way: a request that
 * was answered runs no more, though its settlement is still on its way, perhaps from another gateway to another replica.
 */
export interface SecondLook {
  /** What becomes of a refused request in the end. */
  wait(item: Asked, refused: Outcome, deadlineMs: number): Promise<Outcome>;
  /** Settlements of these accounts stand: who waits for one of them is looked at now. */
  settled(accountIds: Iterable<bigint>): void;
  /**
   * Whether a request of the account was refused here lately for nothing but what others held: its next one may wait for the
   * settlement of the one before again, and that may linger on another replica than the one that would be asked to hurry.
   */
  isShort(accountId: bigint): boolean;
  /** Lets nobody wait any longer. */
  stop(): void;
}

/** Whether an outcome is a refusal that a settlement may lift. */
export function isHeld(outcome: Outcome): boolean {
  return !(outcome instanceof ThroughlineError) && outcome.held;
}

interface Waiting {
  readonly item: Asked;
  readonly sinceMs: number;
  readonly windowMs: number;
  readonly answer: PromiseWithResolvers<Outcome>;
  last: Outcome;
  /** When it is looked at next; undefined while it is. */
  dueMs: number | undefined;
}

/** Looks happen on this grid, so that a flood of refused requests shares statements: at most one in so many milliseconds. */
const gridMs = 5;
/** More that wait at once, of all accounts or of one, are refused as they come: a flood must not be judged again and again. */
const maxWaiting = 1_000;
/** How long an account counts as short, and how many are remembered. */
const shortMs = 60_000;
const maxShort = 10_000;
const maxWaitingOfOne = 200;

/**
 * Creates it.
 *
 * @param windowMs longest time that a refusal is held back. 0: never.
 * @param judgeOne judges an item anew, together with others.
 * @param hurry makes the settlements that linger in this process start at once.
 */
export function createSecondLook(windowMs: number, judgeOne: JudgeOne, hurry: () => void): SecondLook {
  const waiting = new Map<bigint, Set<Waiting>>();
  /** When each account was short the last time, the longest ago first. */
  const short = new Map<bigint, number>();
  let count = 0;
  let hurriedMs = Number.NEGATIVE_INFINITY;
  let ticking: NodeJS.Timeout | undefined;

  function remove(entry: Waiting): void {
    const { accountId } = entry.item.reservation;
    const ofAccount = waiting.get(accountId);
    if (ofAccount?.delete(entry) !== true) return;
    count -= 1;
    if (ofAccount.size === 0) waiting.delete(accountId);
  }

  function end(entry: Waiting): void {
    remove(entry);
    entry.answer.resolve(entry.last);
  }

  function tick(): void {
    ticking = undefined;
    const nowMs = performance.now();
    for (const ofAccount of waiting.values()) {
      for (const entry of ofAccount) if (entry.dueMs !== undefined && entry.dueMs <= nowMs) void look(entry);
    }
    keepTicking();
  }

  function keepTicking(): void {
    if (count > 0) ticking ??= setTimeout(tick, gridMs);
  }

  async function look(entry: Waiting): Promise<void> {
    entry.dueMs = undefined;
    try {
      entry.last = await judgeOne(entry.item);
    } catch (error) {
      entry.last = ThroughlineError.from(error);
    }
    const next = isHeld(entry.last) ? nextLookMs(performance.now() - entry.sinceMs, entry.windowMs) : undefined;
    if (next === undefined) end(entry);
    else entry.dueMs = entry.sinceMs + next;
  }

  function noteShort(accountId: bigint, nowMs: number): void {
    short.delete(accountId);
    short.set(accountId, nowMs);
    if (short.size <= maxShort) return;
    for (const oldest of short.keys()) {
      short.delete(oldest);
      break;
    }
  }

  return {
    async wait(item, refused, deadlineMs) {
      const nowMs = performance.now();
      const { accountId } = item.reservation;
      noteShort(accountId, nowMs);
      const ofAccount = waiting.get(accountId) ?? new Set<Waiting>();
      const ownWindowMs = Math.min(windowMs, deadlineMs - nowMs);
      const first = nextLookMs(0, ownWindowMs);
      if (first === undefined || count >= maxWaiting || ofAccount.size >= maxWaitingOfOne) return refused;
      const answer = Promise.withResolvers<Outcome>();
      ofAccount.add({ item, answer, sinceMs: nowMs, windowMs: ownWindowMs, last: refused, dueMs: nowMs + first });
      waiting.set(accountId, ofAccount);
      count += 1;
      if (nowMs - hurriedMs >= gridMs) {
        hurriedMs = nowMs;
        hurry();
      }
      keepTicking();
      return answer.promise;
    },
    settled(accountIds) {
      if (count === 0) return;
      for (const accountId of accountIds) {
        for (const entry of waiting.get(accountId) ?? []) if (entry.dueMs !== undefined) entry.dueMs = 0;
      }
    },
    isShort(accountId) {
      const sinceMs = short.get(accountId);
      if (sinceMs === undefined) return false;
      if (performance.now() - sinceMs < shortMs) return true;
      short.delete(accountId);
      return false;
    },
    stop() {
      clearTimeout(ticking);
      for (const ofAccount of [...waiting.values()]) for (const entry of [...ofAccount]) end(entry);
    },
  };
}
