import { sql } from "kysely";
import { quoteIdentifier, quoteTable } from "./connection.ts";
import type { Database, Queryable } from "./database.ts";
import { statement } from "./statement.ts";

/** A partition of a table that is partitioned by range of one BIGINT column. */
export interface RangePartition {
  /** Name without the schema; the schema is the table's. */
  readonly name: string;
  /** Lowest value in it. */
  readonly from: bigint;
  /** Lowest value no longer in it. */
  readonly to: bigint;
}

interface FoundPartition {
  name: string;
  /** What PostgreSQL says of its bounds; `DEFAULT` for the one that takes the rest. */
  bounds: string;
  /** A concurrent detaching of it was begun and not finished. */
  detaching: boolean;
}

const findPartitions = statement(
  "db.partitions",
  `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds, i.inhdetachpending as detaching
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = $1::regclass`,
  { idempotent: true },
);

/** Detached partitions that were to be dropped and still stand: the process ended in between. */
const findLeftovers = statement(
  "db.partitions.leftovers",
  `select c.relname as name
     from pg_class c join pg_description d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = 0
    where c.relnamespace = (select relnamespace from pg_class where oid = $1::regclass)
      and c.relkind = 'r' and not c.relispartition and d.description = $2`,
  { idempotent: true },
);

const lock = statement("db.partitions.lock", "select pg_advisory_lock(hashtextextended($1, 0))");
const unlock = statement("db.partitions.unlock", "select pg_advisory_unlock(hashtextextended($1, 0))");

/** The partitions of `table` (`schema.table`) in the order of their ranges. Those without two numbers as bounds are left out. */
export async function listRangePartitions<S>(db: Queryable<S>, table: string): Promise<RangePartition[]> {
  const found = await db.query<FoundPartition>(findPartitions, [quoteTable(table)]);
  return toRanges(found.filter(({ detaching }) => !detaching));
}

/**
 * Makes sure that `table` has a partition for each range, and gives those it made. A range that a partition already
 * covers is left alone; one that is covered in part is refused (Error). Readers and writers of the table are not held
 * up: attaching takes a lock that only other changes of the table's shape wait for. `db` must act as the table's owner.
 *
 * @param storage storage parameters of partitions that it makes, e.g. `fillfactor`.
 */
export function ensureRangePartitions<S>(
  db: Database<S>,
  {
    table,
    ranges,
    storage = {},
  }: { table: string; ranges: readonly RangePartition[]; storage?: Readonly<Record<string, number>> },
): Promise<RangePartition[]> {
  return locked(db, table, async (session) => {
    const existing = await listRangePartitions(session, table);
    const made: RangePartition[] = [];
    for (const range of ranges) {
      if (isCovered(range, [...existing, ...made], table)) continue;
      await createPartition(session, table, range, storage);
      made.push(range);
    }
    return made;
  });
}

/**
 * Drops the partitions of `table` whose values are all below `bound`, and gives their names. They are detached first,
 * without holding up readers and writers; what an earlier call began and did not finish is finished. `db` must act as
 * the table's owner. Fails with `service_unavailable` when a long transaction still reads one: call again later.
 */
export function dropPartitionsBelow<S>(
  db: Database<S>,
  { table, bound }: { table: string; bound: bigint },
): Promise<string[]> {
  return locked(db, table, async (session) => {
    const found = await session.query<FoundPartition>(findPartitions, [quoteTable(table)]);
    const hasDefault = found.some(({ bounds }) => bounds === "DEFAULT");
    for (const partition of found) {
      const to = parseBounds(partition.bounds)?.to;
      if (to !== undefined && to <= bound) await detach(session, table, partition, hasDefault);
    }
    const leftovers = await session.query<{ name: string }>(findLeftovers, [quoteTable(table), markOf(table)]);
    for (const { name } of leftovers) await run(session, `drop table ${sibling(table, name)}`);
    return leftovers.map(({ name }) => name);
  });
}

/** Changes of the partitions of one table wait for each other, in all processes. */
async function locked<S, T>(db: Database<S>, table: string, run: (session: Queryable<S>) => Promise<T>): Promise<T> {
  const name = `partitions ${table}`;
  return db.session(async (session) => {
    await session.query(lock, [name]);
    try {
      return await run(session);
    } finally {
      // A connection that broke gave the lock back by itself; its error is the one to report.
      await session.query(unlock, [name]).catch(() => undefined);
    }
  });
}

/** One message, hence one transaction: a table is never left unattached. */
async function createPartition<S>(
  session: Queryable<S>,
  table: string,
  range: RangePartition,
  storage: Readonly<Record<string, number>>,
): Promise<void> {
  const parent = quoteTable(table);
  const settings = Object.entries(storage).map(([name, value]) => `${quoteIdentifier(name)} = ${value}`);
  const partition = sibling(table, range.name);
  // `create table ... partition of` would lock the parent against everybody; `attach partition` does not. Attaching
  // makes the indexes and refuses identity columns, so neither is copied.
  await run(
    session,
    `create table ${partition} (like ${parent}
       including defaults including constraints including generated including storage including compression)
       ${settings.length === 0 ? "" : `with (${settings.join(", ")})`};
     alter table ${parent} attach partition ${partition} for values from (${range.from}) to (${range.to})`,
  );
}

async function detach<S>(
  session: Queryable<S>,
  table: string,
  { name, detaching }: FoundPartition,
  hasDefault: boolean,
): Promise<void> {
  const partition = sibling(table, name);
  const alter = `alter table ${quoteTable(table)} detach partition ${partition}`;
  if (detaching) return run(session, `${alter} finalize`);
  await run(session, `comment on table ${partition} is '${markOf(table).replaceAll("'", "''")}'`);
  // PostgreSQL refuses to detach concurrently where there is a default partition.
  await run(session, hasDefault ? alter : `${alter} concurrently`);
}

async function run<S>(session: Queryable<S>, text: string): Promise<void> {
  await sql.raw(text).execute(session.kysely);
}

/** Tells the partitions that are to be dropped, once they are detached, from all other tables. */
function markOf(table: string): string {
  return `detached from ${table} to be dropped`;
}

/** The quoted name of a table in the schema of `table`. */
function sibling(table: string, name: string): string {
  const schema = table.includes(".") ? `${quoteIdentifier(table.slice(0, table.indexOf(".")))}.` : "";
  return `${schema}${quoteIdentifier(name)}`;
}

function isCovered(range: RangePartition, existing: readonly RangePartition[], table: string): boolean {
  const overlapping = existing.filter(({ from, to }) => from < range.to && range.from < to);
  if (overlapping.some(({ from, to }) => from <= range.from && range.to <= to)) return true;
  const [first] = overlapping;
  if (first === undefined) return false;
  throw new Error(
    `The range ${range.from} to ${range.to} of "${range.name}" overlaps partition "${first.name}" ` +
      `(${first.from} to ${first.to}) of ${table}`,
  );
}

function toRanges(found: readonly FoundPartition[]): RangePartition[] {
  return found
    .flatMap(({ name, bounds }) => {
      const parsed = parseBounds(bounds);
      return parsed === undefined ? [] : [{ name, ...parsed }];
    })
    .sort((a, b) => (a.from < b.from ? -1 : 1));
}

function parseBounds(bounds: string): { from: bigint; to: bigint } | undefined {
  const match = /^FOR VALUES FROM \('(-?\d+)'\) TO \('(-?\d+)'\)$/.exec(bounds);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { from: BigInt(match[1]), to: BigInt(match[2]) };
}
