import type { JobsContext } from "../context.ts";
import {
  accountsWithCalls,
  cancelledCalls,
  claimCalls,
  doubtCalls,
  extendCalls,
  releaseCall,
  type Turn,
} from "../db/calls.ts";
import type { JobRow } from "../db/job-row.ts";
import { aboutJob } from "./ask.ts";
import { type Call, carryOut } from "./call.ts";
import { doubtMs, leaseMs } from "./end.ts";
import { startPool } from "./pool.ts";

/** What makes own calls in this process. */
export interface Calls {
  /** A call may wait. */
  wake(): void;
  /** Calls that are made now. */
  readonly running: number;
  /** Somebody wants the end of a call; one that is made elsewhere is stopped there. */
  cancel(requestId: bigint): void;
  /** Takes no more, gives those that are made the grace to end, and gives back the others. */
  stop(): Promise<void>;
}

/** Another process may have taken a call from a client, or have died. */
const pauseMs = 3_000;
/** How soon a worker learns that somebody wants the end of a call. */
const lookMs = 1_000;
/** Accounts whose calls are looked at in one go. */
const accountsAtOnce = 100;
/** A lease is extended three times in its life. */
const extendEvery = Math.floor(leaseMs / 3 / lookMs);
/** What could not be done is tried again after this. */
const retryMs = 1_000;

/**
 * Makes own calls. Each is leased to one worker, which extends the lease while the call runs; where a worker dies another one
 * decides what becomes of it. One account has only so many of the places of a process.
 *
 * @param onEnd is told that a call may have ended, so that it is settled and recorded at once.
 */
export function startCalls(context: JobsContext, onEnd: () => void): Calls {
  const { db, config, log } = context;
  const held = new Map<bigint, Call>();
  let after = 0n;

  const pool = startPool(log, {
    atOnce: config.callsAtOnce,
    async take(room) {
      const start = after;
      const accounts = await accountsWithCalls(db, after, accountsAtOnce);
      if (accounts.length > 0) await doubtCalls(db, doubtMs);
      const turns = turnsOf(accounts, held.values(), config.accountCallsAtOnce, room);
      const rows = turns.length === 0 ? [] : await claimCalls(db, room, turns, leaseMs);
      const isFull = rows.length === room;
      const isLast = accounts.length < accountsAtOnce;
      // The next turn begins behind the last account that had its turn.
      after = isFull ? lastAccount(rows) : isLast ? 0n : (accounts.at(-1) ?? 0n);
      const hasSeenAll = isLast && start === 0n;
      return { steps: rows.map((row) => () => make(row)), pauseMs: isFull || !hasSeenAll ? 0 : pauseMs };
    },
  });

  async function make(row: JobRow): Promise<void> {
    const call: Call = {
      requestId: row.request_id,
      run: row.runs,
      accountId: row.account_id,
      stop: undefined,
      onStop: undefined,
    };
    held.set(row.request_id, call);
    try {
      await carryOut(context, row, call);
    } catch (error) {
      log.warn({ err: error, ...aboutJob(row) }, "a call of a job failed; it is taken again");
      await releaseCall(db, call, retryMs).catch(() => undefined);
    } finally {
      if (held.get(row.request_id) === call) held.delete(row.request_id);
    }
    onEnd();
    pool.wake();
  }

  let looks = 0;
  let looking = false;
  const timer = setInterval(() => void look(), lookMs);
  timer.unref();

  async function look(): Promise<void> {
    looks += 1;
    if (held.size === 0 || looking) return;
    looking = true;
    try {
      const calls = [...held.values()];
      for (const requestId of await cancelledCalls(db, [...held.keys()])) stopCall(held.get(requestId), "cancelled");
      if (looks % extendEvery === 0) {
        const ours = await extendCalls(db, calls, leaseMs);
        for (const call of calls) if (!ours.has(call.requestId)) stopCall(call, "lost");
      }
    } catch (error) {
      log.warn({ err: error }, "the leases of calls could not be extended; it is tried again");
    } finally {
      looking = false;
    }
  }

  return {
    wake: pool.wake,
    get running() {
      return pool.running;
    },
    cancel(requestId) {
      stopCall(held.get(requestId), "cancelled");
    },
    async stop() {
      const ended = pool.stop();
      const grace = setTimeout(() => {
        for (const call of held.values()) stopCall(call, "given_back");
      }, config.shutdownGraceMs);
      await ended;
      clearTimeout(grace);
      clearInterval(timer);
    },
  };
}

function stopCall(call: Call | undefined, why: NonNullable<Call["stop"]>): void {
  if (call === undefined || call.stop !== undefined) return;
  call.stop = why;
  call.onStop?.();
}

/** The accounts that may have more calls made, each with how many. */
function turnsOf(accounts: readonly bigint[], calls: Iterable<Call>, most: number, room: number): readonly Turn[] {
  const busy = new Map<bigint, number>();
  for (const { accountId } of calls) busy.set(accountId, (busy.get(accountId) ?? 0) + 1);
  return accounts
    .map((accountId) => ({ accountId, room: Math.min(room, most - (busy.get(accountId) ?? 0)) }))
    .filter((turn) => turn.room > 0);
}

function lastAccount(rows: readonly JobRow[]): bigint {
  let last = 0n;
  for (const { account_id: account } of rows) if (account > last) last = account;
  return last;
}
