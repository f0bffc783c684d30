import { setTimeout as delay } from "node:timers/promises";
import { Kysely } from "kysely";
import type pg from "pg";
import { ThroughlineError } from "../errors/error.ts";
import type { ConnectionOptions } from "./connection.ts";
import { type CopyOptions, type CopySource, copyInto } from "./copy.ts";
import type { DatabaseLog } from "./database-log.ts";
import { isBrokenConnection, isRetryableConflict, isStalePlan, toFault } from "./faults.ts";
import { kyselyDialect, sessionDialect } from "./kysely-dialect.ts";
import { createSessionPool, type Session } from "./pool.ts";
import type { Statement } from "./statement.ts";

/** Where statements can be sent: a database, a transaction or a session. */
export interface Queryable<Schema> {
  /** Query builder, for all that is not the hot path. Its statements are not prepared. */
  readonly kysely: Kysely<Schema>;
  /**
   * Runs a prepared statement and gives its rows: one round trip, and parsing only once per connection. Values are
   * encoded by the driver; arrays are quicker through `arrays.ts`. Throws `service_unavailable` when the database cannot
   * be reached or has no time or room; other SQL errors come as they are (`sqlStateOf`, `constraintOf`).
   */
  query<R extends object>(statement: Statement, values: readonly unknown[]): Promise<R[]>;
}

/** How a transaction runs. */
export interface TransactionOptions {
  /** Isolation of the transaction; PostgreSQL's default is read committed. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  readonly readOnly?: boolean;
  /** Most runs, the first included, when the database undoes it for a serialization failure or a deadlock. */
  readonly maxRuns?: number;
}

/** A database as one service sees it. */
export interface Database<Schema> extends Queryable<Schema> {
  /**
   * Runs `run` in a transaction: committed when it resolves, rolled back when it throws. After a serialization failure
   * or a deadlock it is run anew, so `run` must keep no state of its own between runs.
   */
  transaction<T>(run: (trx: Queryable<Schema>) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Runs `run` on one connection without a transaction: for session locks and statements that refuse transactions. */
  session<T>(run: (session: Queryable<Schema>) => Promise<T>): Promise<T>;
  /** Copies rows into a table and gives their number; all of them or none. See `copyInto`. */
  copyIn(tableAndColumns: string, rows: CopySource, options?: CopyOptions): Promise<number>;
  /** Statements sent so far, `begin` and `commit` included: for tests and metrics. */
  readonly statements: number;
  /** Waits for what runs and closes all connections. */
  close(): Promise<void>;
}

/** Options of `createDatabase`. */
export interface DatabaseOptions extends ConnectionOptions {
  readonly schema: string;
  /** Most connections at a time. Default 10. */
  readonly maxConnections?: number;
  /** Longest wait for a connection, in milliseconds. Default 5,000. */
  readonly acquireTimeoutMs?: number;
  /** Longest wait for the answer to a statement, in milliseconds. Default: what the server allows a statement, and 5 s. */
  readonly answerLimitMs?: number;
  readonly log: DatabaseLog;
}

const defaultTimeouts = {
  acquireTimeoutMs: 5_000,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 10_000,
  idleInTransactionTimeoutMs: 60_000,
};
const defaultMaxRuns = 5;

/**
 * Opens a database for one service. Nothing is connected before the first statement; broken connections are replaced.
 * BIGINT arrives as bigint, NUMERIC as string, BYTEA as Buffer, TIMESTAMPTZ as Date.
 */
export function createDatabase<Schema>(options: DatabaseOptions): Database<Schema> {
  const pool = createSessionPool({ maxConnections: 10, ...defaultTimeouts, ...options });

  async function withSession<T>(run: (session: Session) => Promise<T>): Promise<T> {
    const session = await pool.acquire();
    try {
      return await run(session);
    } finally {
      session.release();
    }
  }

  async function query<R extends object>(statement: Statement, values: readonly unknown[]): Promise<R[]> {
    for (let run = 1; ; run++) {
      try {
        return await withSession((session) => runStatement<R>(session, statement, values));
      } catch (error) {
        const repeatable =
          isRetryableConflict(error) || isStalePlan(error) || (statement.idempotent && wasBroken(error));
        if (!repeatable || run === defaultMaxRuns) throw toFault(error);
        if (isRetryableConflict(error)) await delay(conflictPauseMs(run));
      }
    }
  }

  async function transaction<T>(
    run: (trx: Queryable<Schema>) => Promise<T>,
    { isolation, readOnly, maxRuns = defaultMaxRuns }: TransactionOptions = {},
  ): Promise<T> {
    const begin = `begin${isolation ? ` isolation level ${isolation}` : ""}${readOnly ? " read only" : ""}`;
    for (let runs = 1; ; runs++) {
      try {
        return await withSession((session) => runTransaction(session, begin, run));
      } catch (error) {
        if (runs === maxRuns || !(isRetryableConflict(error) || isStalePlan(error))) throw toFault(error);
        await delay(conflictPauseMs(runs));
      }
    }
  }

  return {
    kysely: new Kysely<Schema>({ dialect: kyselyDialect(() => pool.acquire()) }),
    query,
    transaction,
    session: (run) => withSession((session) => run(bind<Schema>(session))),
    copyIn: (tableAndColumns, rows, copyOptions) =>
      withSession((session) => copyInto(session, tableAndColumns, rows, copyOptions)),
    get statements() {
      return pool.statements;
    },
    close: () => pool.close(),
  };
}

/** What a transaction or a session hands to its user. The query builder is made only when it is asked for. */
function bind<Schema>(session: Session): Queryable<Schema> {
  let kysely: Kysely<Schema> | undefined;
  return {
    get kysely() {
      kysely ??= new Kysely<Schema>({ dialect: sessionDialect(session) });
      return kysely;
    },
    query: (statement, values) => runStatement(session, statement, values),
  };
}

async function runStatement<R extends object>(
  session: Session,
  { name, sql }: Statement,
  values: readonly unknown[],
): Promise<R[]> {
  try {
    const result = await session.run<R & pg.QueryResultRow>({ name, text: sql, values: values as unknown[] });
    return result.rows;
  } catch (error) {
    // The driver has no means to prepare a name anew on the same connection.
    if (isStalePlan(error)) session.discard();
    throw error;
  }
}

async function runTransaction<Schema, T>(
  session: Session,
  begin: string,
  run: (trx: Queryable<Schema>) => Promise<T>,
): Promise<T> {
  await session.run({ text: begin });
  let result: T;
  try {
    result = await run(bind<Schema>(session));
  } catch (error) {
    // The error that made the transaction fail matters more than a rollback that fails after it. The server rolls back by itself.
    await session.run({ text: "rollback" }).catch(() => session.discard());
    throw error;
  }
  const { command } = await session.run({ text: "commit" });
  // PostgreSQL answers COMMIT with ROLLBACK when a statement had failed and `run` swallowed its error.
  if (command !== "COMMIT") {
    throw new ThroughlineError("internal_error", "An internal error occurred.", {
      cause: new Error("The transaction was rolled back at its commit: one of its statements had failed"),
    });
  }
  return result;
}

function wasBroken(error: unknown): boolean {
  return isBrokenConnection(error instanceof ThroughlineError ? error.cause : error);
}

/** Full jitter: two transactions that collided must not meet again. */
function conflictPauseMs(run: number): number {
  return Math.random() * 5 * 2 ** run;
}
