import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { createTarget, quoteIdentifier } from "./connection.ts";
import type { DatabaseLog } from "./database-log.ts";

/** Options of `createListener`. */
export interface ListenerOptions {
  /** Address of the server itself: a pooler in transaction mode passes no notifications on. */
  readonly url: string;
  readonly role?: string | undefined;
  readonly applicationName: string;
  /** What to do with the payload of a notification, by channel. Must not throw; what it throws is logged. */
  readonly channels: Readonly<Record<string, (payload: string) => void>>;
  /**
   * Called each time the listener has begun to listen, the first time too. Notifications sent while it was away are
   * lost, so whoever keeps state by them reads it anew here.
   */
  readonly onListening?: (() => void) | undefined;
  readonly log: DatabaseLog;
  /** Time between two signs of life asked of the server, in milliseconds. Default 15,000. */
  readonly heartbeatMs?: number | undefined;
  /** Longest wait for an answer of the server, in milliseconds; after it the connection counts as dead. Default 5,000. */
  readonly answerLimitMs?: number | undefined;
}

/** Hears `NOTIFY` on its own connection, for as long as it is not closed. */
export interface Listener {
  /** Whether it listens at this moment. */
  readonly listening: boolean;
  /** Resolves when it has begun to listen for the first time, or was closed before that. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

const firstRetryMs = 50;
const maxRetryMs = 5_000;
const farewellLimitMs = 1_000;

/** Listens to channels of PostgreSQL and connects again, with growing pauses, whenever the connection breaks. */
export function createListener(options: ListenerOptions): Listener {
  const { log, heartbeatMs = 15_000, answerLimitMs = 5_000 } = options;
  const { Client } = createTarget({
    ...options,
    statementTimeoutMs: answerLimitMs,
    connectTimeoutMs: answerLimitMs,
  });
  const closing = new AbortController();
  const ready = Promise.withResolvers<void>();
  let listening = false;
  let retryMs = firstRetryMs;

  /** One connection, from its opening to its end. */
  async function listen(): Promise<void> {
    const client = new Client({ query_timeout: answerLimitMs });
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => undefined); // It may be rejected while the connection is still being opened.
    client.on("error", ended.reject);
    client.on("end", ended.resolve);
    client.on("notification", ({ channel, payload }) => deliver(channel, payload ?? ""));
    const onClose = (): void => ended.resolve();
    closing.signal.addEventListener("abort", onClose);
    try {
      await client.connect();
      await client.query(
        Object.keys(options.channels)
          .map((name) => `listen ${quoteIdentifier(name)}`)
          .join("; "),
      );
      listening = true;
      retryMs = firstRetryMs;
      ready.resolve();
      attempt(() => options.onListening?.());
      await Promise.race([ended.promise, beat(client, ended.promise)]);
    } finally {
      listening = false;
      closing.signal.removeEventListener("abort", onClose);
      // A peer that has vanished never answers the farewell.
      await Promise.race([client.end().catch(() => undefined), delay(farewellLimitMs, undefined, { ref: false })]);
    }
  }

  /** A connection that a firewall dropped in silence shows only when something is asked of it. */
  async function beat(client: pg.Client, ended: Promise<void>): Promise<void> {
    const stop = new AbortController();
    const stopBeating = (): void => stop.abort();
    ended.then(stopBeating, stopBeating);
    while (!stop.signal.aborted) {
      await delay(heartbeatMs, undefined, { signal: stop.signal }).catch(() => undefined);
      if (!stop.signal.aborted) await client.query("select 1");
    }
  }

  function deliver(channel: string, payload: string): void {
    attempt(() => options.channels[channel]?.(payload), { channel });
  }

  function attempt(run: () => void, fields: object = {}): void {
    try {
      run();
    } catch (error) {
      log.error({ ...fields, err: error }, "a listener's callback failed");
    }
  }

  async function keepListening(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await listen();
      } catch (error) {
        log.warn({ reason: error instanceof Error ? error.message : String(error) }, "the listener's connection broke");
      }
      if (closing.signal.aborted) break;
      await delay(retryMs * (0.5 + Math.random() / 2), undefined, { signal: closing.signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, maxRetryMs);
    }
    ready.resolve();
  }

  const done = keepListening();
  return {
    get listening() {
      return listening;
    },
    ready: ready.promise,
    close() {
      closing.abort();
      return done;
    },
  };
}
