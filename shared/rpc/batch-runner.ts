import { ThroughlineError } from "../errors/error.ts";
import { createLinger, type LingerBounds } from "../linger.ts";
import type { ServerCall } from "./server-call.ts";
import type { LaneCall } from "./types.ts";

/** Gathers calls and runs them in batches. */
export interface BatchRunner {
  accept(call: ServerCall): void;
  arrived(): void;
  /** Starts what has gathered now: somebody waits for it after all. */
  hurry(): void;
  /** Starts what has gathered, and from now on all that comes as it comes: the server leaves. */
  leave(): void;
}

/**
 * When a batch runs beside another: the other has few calls, so many have gathered, or one of them has waited for so long, for the
 * other may hang.
 */
export interface BesideBounds {
  /** The other has fewer calls than this: so few come at a time that to wait for its end would hardly make a larger batch. */
  readonly besideFewerThan: number;
  readonly enough: number;
  readonly afterMs: number;
}

/** When the next batch begins only some time after one has ended: after one of so many, so long, so that those who come because of its answers come along. */
export interface RestBounds {
  readonly after: number;
  readonly forMs: number;
}

/** How calls are gathered. */
export interface GatherBounds extends LingerBounds {
  readonly maxItems: number;
  readonly maxConcurrent: number;
  /** When a batch runs beside another. */
  readonly besideAnother: BesideBounds;
  /** When the next batch begins later than it could. */
  readonly rest: RestBounds;
  /** Whether somebody waits for what an item asks for. */
  readonly isWaited: (item: unknown) => boolean;
}

/**
 * Runs what has gathered, of all lanes, at most `maxConcurrent` batches of at most `maxItems` calls at a time. A call
 * waits up to `lingerMs` for others to come along, unless somebody waits for it or for another.
 */
export function createBatchRunner(
  run: (calls: readonly LaneCall<unknown>[]) => Promise<readonly unknown[]>,
  bounds: GatherBounds,
): BatchRunner {
  const { maxItems, maxConcurrent, besideAnother, rest, isWaited } = bounds;
  let gathered: ServerCall[] = [];
  let waited = false;
  let running = 0;
  /** Calls of the batches that run. */
  let carried = 0;
  let overdue: NodeJS.Timeout | undefined;
  /** The batch after which the next one waits. */
  let resting: { readonly length: number; readonly timer: NodeJS.Timeout } | undefined;
  let left = false;
  const linger = createLinger(bounds, startBatches);

  function accept(call: ServerCall): void {
    gathered.push(call);
    waited ||= isWaited(call.item);
  }

  function startBatches(): void {
    while (gathered.length > 0 && running < maxConcurrent && waitsForNone()) startBatch();
    if (gathered.length > 0 && running < maxConcurrent) {
      overdue ??= setTimeout(startOverdue, besideAnother.afterMs);
      return;
    }
    clearTimeout(overdue);
    overdue = undefined;
  }

  function waitsForNone(): boolean {
    return running === 0 || carried < besideAnother.besideFewerThan || gathered.length >= besideAnother.enough;
  }

  function startOverdue(): void {
    overdue = undefined;
    if (gathered.length > 0 && running < maxConcurrent) startBatch();
  }

  function startBatch(): void {
    const calls = takeBatch();
    if (calls.length === 0) return;
    running += 1;
    carried += calls.length;
    void runBatch(calls);
  }

  function takeBatch(): ServerCall[] {
    const taken = gathered.length <= maxItems ? gathered : gathered.slice(0, maxItems);
    gathered = gathered.length <= maxItems ? [] : gathered.slice(maxItems);
    if (gathered.length === 0) waited = false;
    const nowMs = performance.now();
    return taken.filter((call) => {
      if (!call.done && call.deadlineMs > nowMs) return true;
      call.drop();
      return false;
    });
  }

  async function runBatch(calls: readonly ServerCall[]): Promise<void> {
    try {
      answerAll(calls, await run(calls));
    } catch (thrown) {
      const error = ThroughlineError.from(thrown);
      calls[0]?.lane.report(error);
      for (const call of calls) call.answer("error", error);
    }
    const { length } = calls;
    if (running === 1 && length >= rest.after && !left) resting = { length, timer: setTimeout(endTurn, rest.forMs) };
    else ended(length);
  }

  /** Timers come first in a turn of the loop, and what the turn brings is sent at its end: that comes along too. */
  function endTurn(): void {
    setImmediate(() => setImmediate(endRest));
  }

  function endRest(): void {
    if (resting === undefined) return;
    const { length, timer } = resting;
    clearTimeout(timer);
    resting = undefined;
    ended(length);
  }

  function ended(length: number): void {
    running -= 1;
    carried -= length;
    if (!linger.isLingering()) startBatches();
  }

  function leave(): void {
    left = true;
    linger.stop();
    endRest();
  }

  return {
    accept,
    arrived() {
      if (gathered.length > 0) linger.joined({ count: gathered.length, waited });
    },
    hurry: linger.hurry,
    leave,
  };
}

function answerAll(calls: readonly ServerCall[], answers: readonly unknown[]): void {
  if (answers.length !== calls.length) {
    throw new Error(`a batch handler gave ${answers.length} answers for ${calls.length} calls`);
  }
  for (const [index, call] of calls.entries()) {
    const answer = answers[index];
    if (answer instanceof Promise) void answerLater(call, answer);
    else answerNow(call, answer);
  }
}

function answerNow(call: ServerCall, answer: unknown): void {
  call.answer(answer instanceof ThroughlineError ? "error" : "ok", answer);
}

/** The batch is over for all others, and the next one may begin. */
async function answerLater(call: ServerCall, answer: Promise<unknown>): Promise<void> {
  try {
    answerNow(call, await answer);
  } catch (thrown) {
    const error = ThroughlineError.from(thrown);
    call.lane.report(error);
    call.answer("error", error);
  }
}
