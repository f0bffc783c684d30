import type { Log } from "./log.ts";
import { processSignals, type SignalSource, signalNumbers } from "./signals.ts";

/** A process's way down: what was started is stopped in reverse order, each step within a bound. */
export interface Lifecycle {
  /** Registers a step. Steps run last-registered first. Once stopping has begun a new step runs at once. */
  onStop(name: string, run: () => Promise<void> | void, options?: { timeoutMs?: number }): void;
  /** Runs the steps once; later calls get the same promise. Never rejects: failures are logged and counted. */
  stop(reason: string): Promise<StopOutcome>;
  /** Aborts when stopping begins, with the reason. */
  readonly signal: AbortSignal;
}

/** How a stop went. */
export interface StopOutcome {
  /** Names of the steps that threw or outlasted their bound, in the order they ran. */
  readonly failed: readonly string[];
}

interface Step {
  name: string;
  run: () => Promise<void> | void;
  timeoutMs: number;
}

/** Creates a lifecycle. `stepTimeoutMs` bounds each step that names no bound of its own. */
export function createLifecycle(log: Pick<Log, "info" | "error">, { stepTimeoutMs = 10_000 } = {}): Lifecycle {
  const steps: Step[] = [];
  const stopping = new AbortController();
  const failed: string[] = [];
  let stopped: Promise<StopOutcome> | undefined;
  let running = true;

  const runStep = async (step: Step): Promise<void> => {
    try {
      await bounded(step);
    } catch (error) {
      failed.push(step.name);
      log.error({ err: error, step: step.name }, "stop step failed");
    }
  };

  const runAll = async (reason: string): Promise<StopOutcome> => {
    const startedMs = performance.now();
    log.info({ reason }, "stopping");
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) await runStep(step);
    running = false;
    log.info({ reason, failed, duration_ms: Math.round(performance.now() - startedMs) }, "stopped");
    return { failed };
  };

  return {
    signal: stopping.signal,
    onStop(name, run, options) {
      const step = { name, run, timeoutMs: options?.timeoutMs ?? stepTimeoutMs };
      // While steps run, the loop takes a new one next: what came up on the way down must not outlive the process.
      if (running) steps.push(step);
      else stopped = runStep(step).then(() => ({ failed }));
    },
    stop(reason) {
      if (stopped === undefined) {
        // The signal goes first, and what hears it may call stop again: then the promise must be there.
        stopped = Promise.resolve().then(() => runAll(reason));
        stopping.abort(reason);
      }
      return stopped;
    },
  };
}

async function bounded(step: Step): Promise<void> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`${step.name} did not stop within ${step.timeoutMs} ms`)),
    step.timeoutMs,
  );
  try {
    await Promise.race([step.run(), expired]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A signal this soon after the first one is the same one. Sent to a whole process group or control group (systemd's and
 * supervisord's way of stopping, Ctrl-C), it comes from the sender and again from each of npm and the bootstrap.
 */
export const impatientAfterMs = 2_000;

/** What `runUntilSignal` takes beside the lifecycle. */
export interface SignalOptions {
  /** Told of crashes; without it they end the process as Node does. */
  readonly log?: Pick<Log, "fatal" | "warn"> | undefined;
  readonly source?: SignalSource | undefined;
  /** A clock that no adjustment moves, in milliseconds. */
  readonly nowMs?: (() => number) | undefined;
}

/**
 * Waits for SIGTERM, SIGINT or SIGHUP, stops the lifecycle and gives the exit code: 0, or 1 if a step failed. A second
 * signal `impatientAfterMs` or more after the first exits at once with 128 + its number. A crash (uncaught exception,
 * unhandled rejection) is logged and exits with 1 at once: state is suspect by then, and what must survive is in
 * PostgreSQL. The log flushes on exit.
 */
export function runUntilSignal(
  lifecycle: Lifecycle,
  { log, source = processSignals(), nowMs = () => performance.now() }: SignalOptions = {},
): Promise<number> {
  return new Promise((resolve) => {
    const listeners = new Map<string, (value: unknown) => void>();
    let signalledAtMs: number | undefined;
    const finish = ({ failed }: StopOutcome) => {
      for (const [event, listener] of listeners) source.off(event, listener);
      resolve(failed.length === 0 ? 0 : 1);
    };
    for (const [name, number] of Object.entries(signalNumbers)) {
      listeners.set(name, () => {
        if (signalledAtMs === undefined) {
          signalledAtMs = nowMs();
          void lifecycle.stop(name).then(finish);
        } else if (nowMs() - signalledAtMs >= impatientAfterMs) {
          log?.warn({ signal: name }, "a second signal: what still runs is cut");
          source.exit(128 + number);
        }
      });
    }
    if (log !== undefined) {
      for (const event of ["uncaughtException", "unhandledRejection"]) {
        listeners.set(event, (error) => {
          try {
            log.fatal({ err: error }, event === "uncaughtException" ? "uncaught exception" : "unhandled rejection");
          } finally {
            source.exit(1);
          }
        });
      }
    }
    for (const [event, listener] of listeners) source.on(event, listener);
    // A stop from elsewhere ends the waiting too.
    const onAbort = () => {
      if (signalledAtMs === undefined) void lifecycle.stop("stopped elsewhere").then(finish);
    };
    if (lifecycle.signal.aborted) onAbort();
    else lifecycle.signal.addEventListener("abort", onAbort, { once: true });
  });
}
