import { create } from "@bufbuild/protobuf";
import { type Record, RecordItemSchema } from "../shared/gen/throughline/history/v1/history_pb.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayDeps } from "./context.ts";

/** A request that holds a reservation. */
export interface Held {
  /** The request. */
  readonly id: bigint;
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
  /** A reservation was made. */
  hold(held: Held): void;
  /** Its settlement and record are durable (or will never be). */
  release(id: bigint): void;
  /** Runs work that must finish even when the client is gone; `stop` waits for it. `bytes`: memory that it keeps. */
  finish(bytes: number, work: () => Promise<void>): void;
  /** Waits while unfinished work keeps more memory than allowed: a slow history delays requests, it drops none. */
  admit(): Promise<void>;
  /** Requests whose work is not finished. */
  readonly pending: number;
  /** Stops the timer after all work is finished, or after `graceMs`. */
  stop(graceMs: number): Promise<void>;
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
  const held = new Map<bigint, Held>();
  const young = new Map<bigint, Held>();
  const work = new Set<Promise<void>>();
  const waiting: (() => void)[] = [];
  let pendingBytes = 0;
  let extendedAtMs = performance.now();
  let extending = false;

  const timer = setInterval(tick, tickMs);
  timer.unref();

  function tick(): void {
    const nowMs = performance.now();
    for (const entry of young.values()) {
      if (nowMs - entry.sinceMs < config.processingAfterMs) break;
      young.delete(entry.id);
      showProcessing(entry);
    }
    if (nowMs - extendedAtMs >= config.extendEveryMs && !extending) {
      extendedAtMs = nowMs;
      const old = [...held.values()].filter((entry) => nowMs - entry.sinceMs >= config.extendEveryMs / 2);
      if (old.length > 0) void extend(old.map((entry) => entry.id));
    }
  }

  function showProcessing(entry: Held): void {
    const item = create(RecordItemSchema, { record: entry.processing() });
    history.record
      .call(item, { requestId: entry.id, timeoutMs: config.finishTimeoutMs })
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

  return {
    hold(entry) {
      held.set(entry.id, entry);
      young.set(entry.id, entry);
    },
    release(id) {
      held.delete(id);
      young.delete(id);
    },
    finish(bytes, run) {
      pendingBytes += bytes;
      const promise = run().finally(() => {
        work.delete(promise);
        pendingBytes -= bytes;
        while (waiting.length > 0 && pendingBytes < maxPendingBytes) waiting.shift()?.();
      });
      work.add(promise);
    },
    async admit() {
      if (pendingBytes < maxPendingBytes) return;
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
    get pending() {
      return work.size;
    },
    async stop(graceMs) {
      const deadline = performance.now() + graceMs;
      while (work.size > 0 && performance.now() < deadline) {
        const timeout = new Promise<void>((resolve) => setTimeout(resolve, deadline - performance.now()).unref());
        await Promise.race([Promise.allSettled(work), timeout]);
      }
      clearInterval(timer);
    },
  };
}
