import { Worker } from "node:worker_threads";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Log } from "../../../shared/log.ts";
import { createTurns } from "../../../shared/turns.ts";
import { createAllowance } from "./allowance.ts";
import type { Job, JobResult } from "./worker.ts";

/** The outcome of an expression: a JSON document (empty: null), and a note for the record where it failed. */
export interface CustomResponse {
  readonly json: string;
  readonly note?: string;
}

/** What custom_response is made from. */
export interface AskedResponse {
  readonly accountId: bigint;
  readonly requestId: bigint;
  readonly expression: string;
  readonly answer: Uint8Array;
}

/** Makes custom_response from answers. */
export interface CustomResponses {
  /** Evaluates a JMESPath expression over an answer. Never throws: a failing expression gives null, a note and a warning. */
  make(asked: AskedResponse): Promise<CustomResponse>;
  stop(): Promise<void>;
}

/** Options of `createCustomResponses`. */
export interface CustomResponsesOptions {
  readonly log: Pick<Log, "warn">;
  /** Longest run of one expression. */
  readonly timeoutMs: number;
  /** Largest result. */
  readonly maxOutputBytes: number;
  /** For tests alone: starts the thread. */
  readonly startWorker?: () => Worker;
  /** For tests alone: a clock in milliseconds. Default: the monotonic one. */
  readonly nowMs?: () => number;
}

/** What an expression may build up in memory: `pad_left(@, 1000000000)` must not end the process. */
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

/** The worker's start (loading the interpreter) does not count as the expression's time. */
const startTimeoutMs = 10_000;

/** Accounts come one after the other; who has waited for so long goes without. The gateway waits longer for its record. */
const line = { atOnce: 1, atOnceEach: 1, waiting: 5_000, waitingEach: 500, waitMs: 5_000 };
const stays = new AbortController().signal;

/**
 * Evaluates expressions in a worker thread, one at a time, the accounts in turn: JMESPath always ends, but not always soon,
 * and only a thread can be stopped in the middle. The thread starts with the first expression; a round trip costs about 40 us.
 */
export function createCustomResponses({
  log,
  timeoutMs,
  maxOutputBytes,
  startWorker = newWorker,
  nowMs = () => performance.now(),
}: CustomResponsesOptions): CustomResponses {
  let worker: Worker | undefined;
  let stopped = false;
  const allowance = createAllowance(nowMs);
  const turns = createTurns(line);
  const running = new Set<Promise<unknown>>();

  async function start(): Promise<Worker> {
    const started = startWorker();
    // Unheard, an error of the thread would end the process; what is asked of it meanwhile fails by itself.
    started.on("error", () => undefined);
    if ((await nextMessage(started, startTimeoutMs)) === undefined) {
      await started.terminate();
      throw new Error("the thread did not start");
    }
    started.unref();
    return started;
  }

  async function discard(): Promise<void> {
    const old = worker;
    worker = undefined;
    await old?.terminate();
  }

  async function run({ accountId, expression, answer }: AskedResponse): Promise<JobResult> {
    if (stopped) return { problem: "the service is stopping" };
    const evaluation = { accountId, expression, bytes: answer.length };
    const refusal = allowance.refusal(evaluation);
    if (refusal !== undefined) return { problem: refusal };
    worker ??= await start();
    const startedMs = nowMs();
    worker.postMessage({ expression, answer, maxOutputBytes } satisfies Job);
    const result = await nextMessage(worker, timeoutMs);
    if (result === undefined) await discard();
    allowance.note(evaluation, nowMs() - startedMs, result !== undefined);
    return result === undefined
      ? { problem: `the expression took more than ${timeoutMs} ms or too much memory` }
      : (result as JobResult);
  }

  /** Waits for nobody where there is nothing to wait for: what gets no time is told so at once. */
  function runInTurn(asked: AskedResponse): Promise<JobResult> {
    const { accountId, expression, answer } = asked;
    const refusal = allowance.refusal({ accountId, expression, bytes: answer.length });
    if (refusal !== undefined) return Promise.resolve({ problem: refusal });
    return turns.take(accountId, stays, () => run(asked)).catch(failed);
  }

  return {
    async make(asked) {
      const made = runInTurn(asked);
      running.add(made);
      const result = await made;
      running.delete(made);
      if ("json" in result) return { json: result.json };
      log.warn({ request_id: asked.requestId, problem: result.problem }, "custom_response could not be made");
      return { json: "", note: `custom_response: ${result.problem}` };
    },
    async stop() {
      stopped = true;
      await Promise.all(running);
      await discard();
    },
  };
}

function newWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { resourceLimits, name: "custom-response" });
}

/** No thread could be had, say: the next expression may have one. */
function failed(error: unknown): JobResult {
  if (error instanceof ThroughlineError) return { problem: "no time was left for the expression" };
  return { problem: `the expression could not be evaluated: ${error instanceof Error ? error.message : "no reason"}` };
}

/** Undefined: no answer in time, or the thread died. */
function nextMessage(worker: Worker, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const done = (result: unknown): void => {
      clearTimeout(timer);
      worker.off("message", done);
      worker.off("error", failed);
      worker.off("exit", failed);
      resolve(result);
    };
    const failed = (): void => done(undefined);
    const timer = setTimeout(failed, timeoutMs);
    worker.on("message", done);
    worker.on("error", failed);
    worker.on("exit", failed);
  });
}
