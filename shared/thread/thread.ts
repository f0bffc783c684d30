import { Worker, type WorkerOptions } from "node:worker_threads";
import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import { fromWireError } from "../errors/wire.ts";
import { ErrorSchema } from "../gen/throughline/common/v1/common_pb.ts";
import type { Log } from "../log.ts";
import type { CallOptions } from "../rpc/index.ts";
import type { FromThread, ToThread } from "./protocol.ts";

/** A thread that works for this one, made when it is first wanted. */
export interface Thread {
  /** Whether it takes calls at this moment. Where it does not, it is started, so that a later call may find it. */
  ready(): boolean;
  /**
   * Has it answer a call. Rejects with the error that it threw, `upstream_timeout` after the time, `client_closed_request` when the
   * signal aborts, and a `ThreadGone` where the thread is not there or ended meanwhile: nobody knows then whether it did the work.
   */
  call(input: unknown, options: CallOptions): Promise<unknown>;
  /** Lets it end what it has begun, for at most two seconds. */
  stop(): Promise<void>;
}

/** The thread is not there, or ended before it answered. */
export class ThreadGone extends Error {
  override readonly name = "ThreadGone";
}

/** Options of `createThread`. */
export interface ThreadOptions {
  /** The file that it runs, which calls `serveThread`. */
  readonly file: URL;
  /** Its name in the log. */
  readonly name: string;
  /** What it is given at its start; must be data that can be copied. */
  readonly data: unknown;
  /** Memory that it may take: beyond, it ends and nothing else does. */
  readonly resourceLimits?: WorkerOptions["resourceLimits"];
  /** Milliseconds without a call after which it ends, to give back its memory. */
  readonly idleMs: number;
  readonly log: Pick<Log, "warn" | "error">;
}

/** Pauses before a thread that ended by itself is made anew: the first, and the longest of those that double. */
const restartMs = { first: 1_000, longest: 60_000 } as const;
/** A thread that says nothing for so long after a call's time is stuck. It answers what is late with an error by itself. */
const stuckMs = 5_000;
const stopMs = 2_000;

interface Call {
  resolve(output: unknown): void;
  reject(error: Error): void;
}

interface Running {
  readonly worker: Worker;
  readonly calls: Map<number, Call>;
  ready: boolean;
  idle: NodeJS.Timeout | undefined;
}

/** Makes the calling side of a thread. */
export function createThread({ file, name, data, resourceLimits, idleMs, log }: ThreadOptions): Thread {
  let current: Running | undefined;
  let stopped = false;
  let nextId = 1;
  let pauseMs: number = restartMs.first;
  let notBeforeMs = 0;

  function start(): void {
    if (current !== undefined || stopped || performance.now() < notBeforeMs) return;
    let worker: Worker;
    try {
      worker = new Worker(file, { name, workerData: data, ...(resourceLimits && { resourceLimits }) });
    } catch (error) {
      later(error, 0);
      return;
    }
    const running: Running = { worker, calls: new Map(), ready: false, idle: undefined };
    current = running;
    worker.unref();
    worker.on("message", (message: FromThread) => hear(running, message));
    worker.on("error", (error) => lose(running, error));
    worker.on("messageerror", (error) => lose(running, error));
    worker.on("exit", (code) => lose(running, new Error(`the thread ended with code ${code}`)));
  }

  function hear(running: Running, message: FromThread): void {
    if (message.kind === "ready") {
      running.ready = true;
      rest(running);
      return;
    }
    if (message.kind === "fault") {
      log.error({ thread: name, fault: message.text }, "a call of a thread failed");
      return;
    }
    const call = running.calls.get(message.id);
    pauseMs = restartMs.first;
    if (message.kind === "answer") call?.resolve(message.output);
    else call?.reject(fromWireError(create(ErrorSchema, message.error)));
  }

  /** Ended by itself, or taken to have: what it was asked is given back, and the next call makes a new one a moment later. */
  function lose(running: Running, error: unknown): void {
    forget(running);
    if (current !== running) return;
    current = undefined;
    later(error, running.calls.size);
    for (const call of [...running.calls.values()]) call.reject(new ThreadGone(`the thread ${name} ended`));
    void running.worker.terminate();
  }

  function later(error: unknown, calls: number): void {
    notBeforeMs = performance.now() + pauseMs;
    log.warn({ err: error, thread: name, calls, again_ms: pauseMs }, "a thread ended by itself, or could not be made");
    pauseMs = Math.min(2 * pauseMs, restartMs.longest);
  }

  function forget(running: Running): void {
    running.ready = false;
    clearTimeout(running.idle);
  }

  /** Ends the thread after a time without calls. */
  function rest(running: Running): void {
    clearTimeout(running.idle);
    if (running.calls.size > 0) return;
    running.idle = setTimeout(() => void end(running), idleMs).unref();
  }

  async function end(running: Running): Promise<void> {
    forget(running);
    if (current === running) current = undefined;
    const exited = new Promise<void>((resolve) => running.worker.once("exit", () => resolve()));
    running.worker.postMessage({ kind: "stop" } satisfies ToThread);
    const timer = setTimeout(() => void running.worker.terminate(), stopMs);
    await exited;
    clearTimeout(timer);
    for (const call of [...running.calls.values()]) call.reject(new ThreadGone(`the thread ${name} was stopped`));
  }

  return {
    ready() {
      start();
      return current?.ready === true;
    },
    async call(input, { requestId = 0n, traceparent = "", timeoutMs, signal }) {
      const running = current;
      if (running?.ready !== true) throw new ThreadGone(`the thread ${name} does not run`);
      if (signal?.aborted) throw cancelled();
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const id = nextId++;
      running.calls.set(id, { resolve, reject });
      clearTimeout(running.idle);
      const abort = (): void => {
        running.worker.postMessage({ kind: "cancel", id } satisfies ToThread);
        reject(cancelled());
      };
      signal?.addEventListener("abort", abort, { once: true });
      const timer = setTimeout(() => lose(running, new Error("the thread is stuck")), timeoutMs + stuckMs);
      try {
        running.worker.postMessage({
          ...{ kind: "call", id, input, requestId, traceparent, timeoutMs },
        } satisfies ToThread);
        return await promise;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        running.calls.delete(id);
        if (current === running) rest(running);
      }
    },
    async stop() {
      stopped = true;
      if (current !== undefined) await end(current);
    },
  };
}

function cancelled(): ThroughlineError {
  return new ThroughlineError("client_closed_request", "The call was cancelled.");
}
