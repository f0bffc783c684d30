import pg from "pg";
import { isConnectionFault, ThroughlineError } from "../errors/error.ts";

/** SQLSTATEs that services act on. https://www.postgresql.org/docs/18/errcodes-appendix.html */
export const sqlStates = {
  uniqueViolation: "23505",
  foreignKeyViolation: "23503",
  checkViolation: "23514",
  serializationFailure: "40001",
  deadlockDetected: "40P01",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
  insufficientPrivilege: "42501",
  undefinedTable: "42P01",
} as const;

/** The SQLSTATE of an error, or of what caused it; undefined when no SQL error is behind it. */
export function sqlStateOf(error: unknown): string | undefined {
  return databaseErrorOf(error)?.code;
}

/** Name of the constraint that an error, or what caused it, violates; undefined when none does. */
export function constraintOf(error: unknown): string | undefined {
  return databaseErrorOf(error)?.constraint;
}

/** Whether PostgreSQL undid the work because of others' and asks for it again: a serialization failure or a deadlock. */
export function isRetryableConflict(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === sqlStates.serializationFailure || state === sqlStates.deadlockDetected;
}

/** A connection failed and another server, or another way to reach this one, is to be tried next. */
export class OtherServer extends Error {
  constructor(cause: unknown) {
    super("Another server of the address is tried.", { cause });
  }
}

/** Whether the connection is gone or of no more use, so that the outcome of what was sent is unknown. */
export function isBrokenConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof OtherServer) return true;
  const state = sqlStateOf(error);
  if (state !== undefined) return state.startsWith("08") || brokenStates.has(state);
  return isConnectionFault(error) || driverFaults.has(error.message);
}

/**
 * Whether a new connection that failed may come about a moment later: the server is away or ends its sessions, or it has
 * no resources left for another one (all connections of the server, the database or the role are taken).
 */
export function mayConnectLater(error: unknown): boolean {
  return isBrokenConnection(error) || (sqlStateOf(error)?.startsWith("53") ?? false);
}

/**
 * Why no connection came about, in one line: nobody answers, or user, password, database or encryption are refused.
 * Undefined: it failed at something else.
 */
export function whyUnreachable(error: unknown): string | undefined {
  const state = sqlStateOf(error) ?? "";
  const refused = state.startsWith("28") || state === "3D000";
  if (!(error instanceof Error) || !(refused || isBrokenConnection(error) || /SSL|certificate/.test(error.message)))
    return undefined;
  // A name with several addresses: one error for each, and no words of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return error.message || (first instanceof Error ? first.message : error.name);
}

/** Whether a statement failed before it ran because a migration changed the shape of its result; it may be sent anew. */
export function isStalePlan(error: unknown): boolean {
  const database = databaseErrorOf(error);
  return database?.code === "0A000" && database.routine === "RevalidateCachedQuery";
}

/**
 * What callers get to see: `service_unavailable` where trying again later may help (no connection, no free lock, no
 * time, no resources left), the SQL error itself otherwise (callers ask `sqlStateOf`; the edge makes it `internal_error`).
 */
export function toFault(error: unknown): unknown {
  if (error instanceof ThroughlineError) return error;
  const state = sqlStateOf(error);
  const passing = state === undefined ? isBrokenConnection(error) : isPassing(state);
  if (!passing) return error;
  // A statement that ran out of its time is no outage: who reads that asks whether the database is there, and it is.
  const slow = state === sqlStates.queryCanceled || state === sqlStates.lockNotAvailable;
  const message = slow ? "The database did not answer in time." : "The database is not available.";
  return new ThroughlineError("service_unavailable", message, { cause: error });
}

function isPassing(state: string): boolean {
  return passingStates.has(state) || brokenStates.has(state) || passingClasses.has(state.slice(0, 2));
}

function databaseErrorOf(error: unknown): pg.DatabaseError | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; current = current.cause, depth++) {
    if (current instanceof pg.DatabaseError) return current;
  }
  return undefined;
}

/** The server ends or refuses sessions, or has become a standby that takes no writes: a new connection may do better. */
const brokenStates: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "57P04", "57P05", "25006", "25P03"]);

/** 08 connection, 28 authorization (a rotated password), 53 insufficient resources, 58 system error. */
const passingClasses: ReadonlySet<string> = new Set(["08", "28", "53", "58"]);

const passingStates: ReadonlySet<string> = new Set<string>([
  sqlStates.serializationFailure,
  sqlStates.deadlockDetected,
  sqlStates.lockNotAvailable,
  sqlStates.queryCanceled,
]);

/** pg 8 and pg-pool 3 raise these as plain Errors without a code: their text is all there is to know them by. */
const driverFaults: ReadonlySet<string> = new Set([
  "Connection terminated",
  "Connection terminated unexpectedly",
  "Connection terminated due to connection timeout",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
  "Query read timeout",
  "timeout expired",
  "timeout exceeded when trying to connect",
  "Cannot use a pool after calling end on the pool",
]);
