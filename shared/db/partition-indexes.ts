import { sql } from "kysely";
import { quoteIdentifier, quoteTable } from "./connection.ts";
import type { Database, Queryable } from "./database.ts";
import { statement } from "./statement.ts";

/** An index of a partitioned table that one of its partitions lacks. */
interface Missing {
  /** Names without the schema. */
  readonly index: string;
  readonly partition: string;
  /** As PostgreSQL writes it, for the table alone. */
  readonly definition: string;
}

const findMissing = statement(
  "partition_indexes.missing",
  `select ic.relname as index, pc.relname as partition, pg_get_indexdef(ix.indexrelid) as definition
     from pg_index ix join pg_class ic on ic.oid = ix.indexrelid
       join pg_inherits part on part.inhparent = ix.indrelid join pg_class pc on pc.oid = part.inhrelid
    where ix.indrelid = to_regclass($1) and not ix.indisvalid and not part.inhdetachpending
      and not exists (select from pg_inherits i join pg_index child on child.indexrelid = i.inhrelid
                       where i.inhparent = ix.indexrelid and child.indrelid = part.inhrelid)
    order by pc.relname desc, ic.relname`,
  { idempotent: true },
);
const findInvalid = statement(
  "partition_indexes.invalid",
  "select count(*)::integer as count from pg_index where indrelid = to_regclass($1) and not indisvalid",
  { idempotent: true },
);
const tryLock = statement("partition_indexes.lock", "select pg_try_advisory_lock(hashtextextended($1, 0)) as taken");
const unlock = statement("partition_indexes.unlock", "select pg_advisory_unlock(hashtextextended($1, 0))");
const backend = statement("partition_indexes.backend", "select pg_backend_pid() as pid");
const cancel = statement("partition_indexes.cancel", "select pg_cancel_backend($1)");

/** Whether all indexes of a partitioned table are there for all of its partitions. */
export async function hasWholeIndexes<S>(db: Pick<Database<S>, "query">, table: string): Promise<boolean> {
  const [row] = await db.query<{ count: number }>(findInvalid, [quoteTable(table)]);
  return row?.count === 0;
}

/**
 * Makes what a migration has made of an index on the table alone (`create index ... on only`) for the partitions that were there before, the
 * newest first, without holding up readers or writers. One process does at a time; the others give false at once, and so does one whose
 * `signal` aborts, which stops the index that is being made: the next call makes it anew. `db` must act as the table's owner, and let a
 * statement run for as long as an index takes. Gives true when nothing is missing.
 */
export function completeIndexes<S>(db: Database<S>, table: string, signal: AbortSignal): Promise<boolean> {
  return db.session(async (session) => {
    const name = `indexes ${table}`;
    const [lock] = await session.query<{ taken: boolean }>(tryLock, [name]);
    if (lock?.taken !== true) return false;
    try {
      return await completeAll(db, session, table, signal);
    } finally {
      await session.query(unlock, [name]).catch(() => undefined);
    }
  });
}

async function completeAll<S>(
  db: Database<S>,
  session: Queryable<S>,
  table: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [me] = await session.query<{ pid: number }>(backend, []);
  const stop = (): void => void db.query(cancel, [me?.pid ?? 0]).catch(() => undefined);
  signal.addEventListener("abort", stop);
  try {
    for (const missing of await session.query<Missing>(findMissing, [quoteTable(table)])) {
      if (signal.aborted) return false;
      await make(session, table, missing);
    }
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** An index that was begun and not finished is invalid: nothing uses it, and it is made anew. */
async function make<S>(session: Queryable<S>, table: string, { index, partition, definition }: Missing): Promise<void> {
  const schema = quoteTable(table).split(".").slice(0, -1);
  const inSchema = (name: string): string => [...schema, quoteIdentifier(name)].join(".");
  const own = inSchema(`${partition}_${index}`);
  const what = definition.slice(definition.indexOf(" USING "));
  await run(session, `drop index if exists ${own}`);
  await run(
    session,
    `create index concurrently ${quoteIdentifier(`${partition}_${index}`)} on ${inSchema(partition)}${what}`,
  );
  await run(session, `alter index ${inSchema(index)} attach partition ${own}`);
}

async function run<S>(session: Queryable<S>, text: string): Promise<void> {
  await sql.raw(text).execute(session.kysely);
}
