import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Record } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { createRoster } from "../../shared/roster.ts";
import type { GatewayConfig } from "../config.ts";
import type { GatewayDeps } from "../deps.ts";

/** A request that holds a reservation. */
export interface Held {
  /** The request. */
  readonly id: bigint;
  /** W3C trace context of its root span. */
  readonly traceparent: string;
  /** Reserved at, on the monotonic clock, milliseconds. */
  readonly sinceMs: number;
  /** Builds the `processing` record; called once, when the request has run for a while. */
  readonly processing: () => Record;
}

/**
 * The requests of this process between their reservation and their last durable word. One timer serves them all: it
 * extends reservations before they expire and shows long requests as `processing`.
 */
export interface Running {
  /** A paid request begins; `left` follows. `stop` waits for those whose connection was cut: they are not settled yet. */
  entered(): void;
  /** Its story is told: all that must follow was given to `finish`. */
  left(): void;
  /** A reservation was made. Gives what ends the holding: its settlement and record are durable (or will never be). */
  hold(held: Held): () => void;
  /** Runs work that must finish even when the client is gone; `stop` waits for it. `bytes`: memory that it keeps. */
  finish(bytes: number, work: () => Promise<void>): void;
  /**
   * Waits while unfinished work keeps more memory than allowed: a slow history delays requests. Throws
   * `service_unavailable` where that takes longer than a call may: those that wait keep their bodies, and their clients
   * do not wait for ever either.
   */
  admit(): Promise<void> | undefined;
  /** Calls back when the process can wait no longer for requests that run. Gives what takes the listener away. */
  onCut(listener: () => void): () => void;
  /** The process can wait no longer: tells those that run, and waits until all have left, or for `graceMs`. */
  cut(graceMs: number): Promise<void>;
  /** Stops the timer after all requests have left and all work is finished, or after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** True: the process waits for all that is unfinished, to end after it. */
  isLeaving(): boolean;
}

/** Most bytes that answers waiting for their settlement and record may keep. */
const maxPendingBytes = 128 * 1024 * 1024;
const tickMs = 100;

/** Creates the register of running requests. */
export function createRunning({
  billing,
  history,
  log,
  config,
}: Pick<GatewayDeps, "billing" | "history" | "log"> & { config: GatewayConfig }): Running {
  /** In the order of their reservations. */
  const held = createRoster<{ readonly entry: Held; shown: boolean }>();
  /** Requests that wait for memory, the oldest first. */
  const waiting = createRoster<() => void>();
  /** Requests whose answer is on its way, the oldest first. */
  const answering = createRoster<() => void>();
  let inside = 0;
  let leaving = false;
  let pending = 0;
  let pendingBytes = 0;
  let allFinished: (() => void) | undefined;
  let allLeft: (() => void) | undefined;
  let extendedAtMs = performance.now();
  let extending = false;

  /** Runs while a request holds a reservation. */
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    if (held.size === 0) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    const nowMs = performance.now();
    for (const one of held) {
      if (nowMs - one.entry.sinceMs < config.processingAfterMs) break;
      if (!one.shown) showProcessing(one.entry);
      one.shown = true;
    }
    if (nowMs - extendedAtMs >= config.extendEveryMs && !extending) {
      extendedAtMs = nowMs;
      const old = [...held].filter(({ entry }) => nowMs - entry.sinceMs >= config.extendEveryMs / 2);
      if (old.length > 0) void extend(old.map(({ entry }) => entry.id));
    }
  }

  function showProcessing(entry: Held): void {
    history.record
      .call(
        { record: entry.processing() },
        { requestId: entry.id, traceparent: entry.traceparent, timeoutMs: config.finishTimeoutMs },
      )
      // Only a picture of the present: the terminal record follows, with retries.
      .catch((error: unknown) => log.debug({ err: error, request_id: entry.id.toString() }, "processing record lost"));
  }

  async function extend(requestIds: bigint[]): Promise<void> {
    extending = true;
    try {
      for (let i = 0; i < requestIds.length; i += 10_000) {
        await billing.extend({ requestIds: requestIds.slice(i, i + 10_000) }, { timeoutMs: config.callTimeoutMs });
      }
    } catch (error) {
      log.warn({ err: error, reservations: requestIds.length }, "reservations could not be extended; will try again");
      extendedAtMs = performance.now() - config.extendEveryMs + 1_000;
    } finally {
      extending = false;
    }
  }

  function checkFinished(): void {
    if (inside === 0 && pending === 0) allFinished?.();
  }

  return {
    entered() {
      inside += 1;
    },
    left() {
      inside -= 1;
      if (inside === 0) allLeft?.();
      checkFinished();
    },
    onCut(listener) {
      const place = answering.add(listener);
      return () => answering.remove(place);
    },
    isLeaving: () => leaving,
    async cut(graceMs) {
      for (const listener of answering) listener();
      if (inside === 0) return;
      await new Promise<void>((resolve) => {
        allLeft = resolve;
        setTimeout(resolve, graceMs).unref();
      });
    },
    hold(entry) {
      timer ??= setInterval(tick, tickMs).unref();
      const place = held.add({ entry, shown: false });
      return () => held.remove(place);
    },
    finish(bytes, run) {
      pending += 1;
      pendingBytes += bytes;
      void run().finally(() => {
        pending -= 1;
        pendingBytes -= bytes;
        if (pendingBytes < maxPendingBytes) for (const goOn of waiting) goOn();
        checkFinished();
      });
    },
    admit() {
      if (pendingBytes < maxPendingBytes) return undefined;
      return new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.remove(place);
          reject(new ThroughlineError("service_unavailable", "Requests end faster than they can be recorded."));
        }, config.callTimeoutMs);
        const place = waiting.add(() => {
          clearTimeout(timer);
          waiting.remove(place);
          resolve();
        });
      });
    },
    async stop(graceMs) {
      leaving = true;
      if (inside > 0 || pending > 0) {
        await new Promise<void>((resolve) => {
          allFinished = resolve;
          setTimeout(resolve, graceMs).unref();
        });
      }
      clearInterval(timer);
    },
  };
}
