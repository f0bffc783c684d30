import { ThroughlineError } from "../errors/error.ts";
import type { ServerCall } from "./server-call.ts";
import type { LaneCall } from "./types.ts";

/** Gathers calls and runs them in batches. */
export interface BatchRunner {
  accept(call: ServerCall): void;
  arrived(): void;
  /** Starts what has gathered now: somebody waits for it after all. */
  hurry(): void;
}

/**
 * Runs what has gathered, of all lanes, at most `maxConcurrent` batches of at most `maxItems` calls at a time. A call
 * waits up to `lingerMs` for others to come along.
 */
export function createBatchRunner(
  run: (calls: readonly LaneCall<unknown>[]) => Promise<readonly unknown[]>,
  { maxItems, maxConcurrent, lingerMs }: { maxItems: number; maxConcurrent: number; lingerMs: number },
): BatchRunner {
  let gathered: ServerCall[] = [];
  let running = 0;
  let lingering: NodeJS.Timeout | undefined;

  function arrived(): void {
    if (lingerMs === 0 || gathered.length >= maxItems) startBatches();
    else {
      lingering ??= setTimeout(() => {
        lingering = undefined;
        startBatches();
      }, lingerMs);
    }
  }

  function startBatches(): void {
    while (gathered.length > 0 && running < maxConcurrent) {
      const calls = takeBatch();
      if (calls.length === 0) continue;
      running += 1;
      void runBatch(calls);
    }
  }

  function takeBatch(): ServerCall[] {
    const taken = gathered.length <= maxItems ? gathered : gathered.slice(0, maxItems);
    gathered = gathered.length <= maxItems ? [] : gathered.slice(maxItems);
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
    running -= 1;
    if (lingering === undefined) startBatches();
  }

  function hurry(): void {
    clearTimeout(lingering);
    lingering = undefined;
    startBatches();
  }

  return { accept: (call) => void gathered.push(call), arrived, hurry };
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
