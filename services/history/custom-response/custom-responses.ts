import { Worker } from "node:worker_threads";
import type { Log } from "../../../shared/log.ts";
import type { Job, JobResult } from "./worker.ts";

/** The outcome of an expression: a JSON document (empty: null), and a note for the record where it failed. */
export interface CustomResponse {
  readonly json: string;
  readonly note?: string;
}

/** Makes custom_response from answers. */
export interface CustomResponses {
  /** Evaluates a JMESPath expression over an answer. Never throws: a failing expression gives null, a note and a warning. */
  make(expression: string, answer: Uint8Array, requestId: bigint): Promise<CustomResponse>;
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

/**
 * After so many runs in a row that were too slow an expression rests for a minute; then one run decides. All records wait
 * behind it, and each run costs a new thread: 20 answers took 2.7 s with a limit of 50 ms, and a batch has up to 512.
 */
const slowTimes = 3;
const restMs = 60_000;
const neverSlow = { times: 0, untilMs: 0 };

/**
 * Evaluates expressions in a worker thread, one at a time: JMESPath always ends, but not always soon, and only a thread can
 * be stopped in the middle. The thread starts with the first expression; a round trip costs about 40 us.
 */
export function createCustomResponses({
  log,
  timeoutMs,
  maxOutputBytes,
  startWorker = newWorker,
  nowMs = () => performance.now(),
}: CustomResponsesOptions): CustomResponses {
  let worker: Worker | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  let stopped = false;
  /** Expressions whose last runs were too slow. */
  const slow = new Map<string, { times: number; untilMs: number }>();

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

  async function run(job: Job): Promise<JobResult> {
    if (stopped) return { problem: "the service is stopping" };
    const { expression } = job;
    const { times, untilMs } = slow.get(expression) ?? neverSlow;
    if (times >= slowTimes && nowMs() < untilMs) {
      return { problem: "the expression is left out for a minute: it took too long time and again" };
    }
    worker ??= await start();
    worker.postMessage(job);
    const result = await nextMessage(worker, timeoutMs);
    if (result !== undefined) {
      slow.delete(expression);
      return result as JobResult;
    }
    slow.set(expression, { times: times + 1, untilMs: nowMs() + restMs });
    await discard();
    return { problem: `the expression took more than ${timeoutMs} ms or too much memory` };
  }

  return {
    async make(expression, answer, requestId) {
      const job: Job = { expression, answer, maxOutputBytes };
      const running = tail.then(() => run(job)).catch(failed);
      tail = running;
      const result = await running;
      if ("json" in result) return { json: result.json };
      log.warn({ request_id: requestId, problem: result.problem }, "custom_response could not be made");
      return { json: "", note: `custom_response: ${result.problem}` };
    },
    async stop() {
      stopped = true;
      await tail;
      await discard();
    },
  };
}

function newWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { resourceLimits, name: "custom-response" });
}

/** No thread could be had, say: the next expression may have one. */
function failed(error: unknown): JobResult {
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
