import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { ThroughlineError } from "../errors/error.ts";
import { type DatabasePeer, failStatement, startStatement } from "../telemetry/index.ts";
import { type ConnectionOptions, createTarget } from "./connection.ts";
import type { DatabaseLog } from "./database-log.ts";
import { isBrokenConnection, mayConnectLater, sqlStateOf, toFault } from "./faults.ts";
import { parseDatabaseUrl } from "./url.ts";

/** A connection that was taken from the pool and must be released once. */
export interface Session {
  /** Sends one statement. Errors are as `toFault` makes them. */
  run<R extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<pg.QueryResult<R>>;
  /** Hands the driver a query that speaks its own part of the protocol (COPY); its errors are its own to report. */
  submit<Q extends pg.Submittable>(query: Q): Q;
  /** Closes the connection at its release: its state is unknown or stale. */
  discard(): void;
  /** Gives the connection back. */
  release(): void;
}

/** Connections to one database, opened on demand and replaced when they break. */
export interface SessionPool {
  /** Takes a connection; waits for a free one and tries again while the server is away or full, up to the limit. */
  acquire(): Promise<Session>;
  /** Statements sent so far, `begin` and `commit` included. */
  readonly statements: number;
  /** Waits for the connections in use and closes all. A second call waits for the first. */
  close(): Promise<void>;
}

/** Options of the pool. */
export interface PoolOptions extends ConnectionOptions {
  /** Most connections at a time. */
  readonly maxConnections: number;
  /** Longest wait for a free connection in milliseconds; a server that is away or full is tried again until then. */
  readonly acquireTimeoutMs: number;
  /**
   * Longest wait for the answer to a statement, in milliseconds; its connection is then given up as dead. Default: what
   * the server allows a statement, and 5 s.
   */
  readonly answerLimitMs?: number | undefined;
  readonly log: DatabaseLog;
}

const firstRetryMs = 20;
const maxRetryMs = 500;
/** Milliseconds that a statement may run over its server-side limit before its connection is given up as dead. */
const deadConnectionGraceMs = 5_000;

/** Opens a pool; nothing is connected before the first `acquire`. */
export function createSessionPool(options: PoolOptions): SessionPool {
  const { log } = options;
  const pool = new pg.Pool({
    Client: createTarget({ connectTimeoutMs: options.acquireTimeoutMs, ...options }).Client,
    connectionTimeoutMillis: options.acquireTimeoutMs,
    max: options.maxConnections,
    idleTimeoutMillis: 60_000,
  });
  // An idle connection that breaks is dropped by the pool, which then says so here; unheard, that would end the process.
  // Only code and message are logged: the driver hangs its whole client on this error.
  pool.on("error", (error: Error & { code?: string }) => {
    if (closing === undefined) {
      log.warn({ code: error.code, reason: error.message }, "an idle database connection broke");
    }
  });
  const open = new Set<pg.PoolClient>();
  let whenAllClosed = (): void => undefined;
  pool.on("connect", (client) => open.add(client));
  pool.on("remove", (client) => {
    open.delete(client);
    if (open.size === 0) whenAllClosed();
  });
  const limitMs =
    options.answerLimitMs ??
    (options.statementTimeoutMs ? options.statementTimeoutMs + deadConnectionGraceMs : undefined);
  const peer = peerOf(options);
  let statements = 0;
  let closing: Promise<void> | undefined;

  /** `pool.end()` alone resolves while the sockets are still closing: a server stopped next would find them open. */
  async function closeAll(): Promise<void> {
    await pool.end();
    if (open.size > 0) await new Promise<void>((resolve) => (whenAllClosed = resolve));
  }

  async function acquire(): Promise<Session> {
    const lastStartMs = performance.now() + options.acquireTimeoutMs;
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, maxRetryMs)) {
      if (closing !== undefined) throw new ThroughlineError("service_unavailable", "The database is being closed.");
      try {
        return createSession(await pool.connect());
      } catch (error) {
        // Nothing has been sent yet, so trying again is always safe.
        const pauseMs = waitMs * (0.5 + Math.random() / 2);
        if (!mayConnectLater(error) || performance.now() + pauseMs > lastStartMs) throw toFault(error);
        await delay(pauseMs);
      }
    }
  }

  function createSession(client: pg.PoolClient): Session {
    let discarded = false;
    // While a client is in use its errors are its user's: the statement in flight fails with the same error.
    const onError = (): void => {
      discarded = true;
    };
    client.on("error", onError);
    return {
      submit(query) {
        statements += 1;
        return client.query(Object.assign(query, { query_timeout: limitMs }));
      },
      async run<R extends pg.QueryResultRow>(query: pg.QueryConfig) {
        statements += 1;
        const span = startStatement(query.text, peer);
        try {
          const result = await send<R>(client, query, limitMs);
          span?.end();
          return result;
        } catch (error) {
          if (span !== undefined) failStatement(span, sqlStateOf(error));
          // An error that is not PostgreSQL's (a value that cannot be encoded) leaves the protocol in an unknown state.
          if (isBrokenConnection(error) || !(error instanceof pg.DatabaseError)) discarded = true;
          throw toFault(error);
        }
      },
      discard() {
        discarded = true;
      },
      release() {
        client.removeListener("error", onError);
        client.release(discarded);
      },
    };
  }

  return {
    acquire,
    get statements() {
      return statements;
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** What the spans of statements say of the database. Of several servers the first is named: only the driver knows which it is. */
function peerOf({ url, schema }: PoolOptions): DatabasePeer {
  const { servers, database, user } = parseDatabaseUrl(url);
  const [server] = servers;
  const name = database ?? user ?? "";
  return {
    host: server?.host ?? "",
    port: server?.port ?? 0,
    namespace: schema === undefined ? name : `${name}|${schema}`,
  };
}

/**
 * Sends a statement; fails as the driver does where no answer comes within `limitMs`. The driver's own promises and its
 * `query_timeout` do the same by `query.callback = () => ...`, and V8 makes a function that is assigned to a property
 * in the old generation: the rows of each statement, and all that waits for them, lived on until a full collection. A
 * scavenge took 3 to 14 ms because of them where it takes 0.6 without.
 */
function send<R extends pg.QueryResultRow>(
  client: pg.PoolClient,
  query: pg.QueryConfig,
  limitMs: number | undefined,
): Promise<pg.QueryResult<R>> {
  return new Promise((resolve, reject) => {
    const timer =
      limitMs === undefined ? undefined : setTimeout(() => reject(new Error("Query read timeout")), limitMs);
    void client.query<R>(query, (error: Error | null, result) => {
      clearTimeout(timer);
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}
