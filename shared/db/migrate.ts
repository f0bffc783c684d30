import {
  CompiledQuery,
  type DatabaseIntrospector,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
} from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type pg from "pg";
import { ConfigError } from "../config.ts";
import { connectTo, createTarget, quoteIdentifier } from "./connection.ts";
import type { DatabaseLog } from "./database-log.ts";
import { whyUnreachable } from "./faults.ts";
import { ensureRole } from "./roles.ts";
import { refuseOldServer, refuseSharedSessions } from "./server-checks.ts";
import { refuseSuperseded } from "./superseded.ts";

export type { Migration };

/** What to migrate. */
export interface MigrateOptions {
  /** Schema of the service: created when missing; its migration tables live in it. Names without a schema mean it. */
  readonly schema: string;
  /** Migrations by name, run in the order of their names: `0001_accounts`, `0002_ledger` ... All or none are applied. */
  readonly migrations: Readonly<Record<string, Migration>>;
  /**
   * Role the service runs as: created when missing and given the use of the schema, before the migrations run. What it
   * may do with each table, the migrations grant.
   */
  readonly role?: string | undefined;
  readonly log: DatabaseLog;
}

/** The database of DATABASE_URL cannot be reached, or refuses who asks. */
export class UnreachableDatabase extends Error {
  constructor(why: string, cause: unknown) {
    super(`the database of DATABASE_URL cannot be used: ${why}`, { cause });
    this.name = "UnreachableDatabase";
  }
}

const migrationTable = "kysely_migration";

/**
 * The migrator asks which tables there are, to find its own two. Kysely's answer is about those of all schemas with all
 * their columns, and fails where another service drops a partition meanwhile ("relation does not exist").
 */
class MigrationDialect extends PostgresDialect {
  override createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return {
      async getSchemas() {
        const { rows } = await db.executeQuery<{ name: string }>(
          CompiledQuery.raw("select nspname as name from pg_namespace"),
        );
        return rows;
      },
      async getTables() {
        const { rows } = await db.executeQuery<{ schema: string; name: string }>(
          CompiledQuery.raw(
            `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where c.relname in ('${migrationTable}', '${migrationTable}_lock') and c.relkind = 'r'`,
          ),
        );
        return rows.map((row) => ({ ...row, isView: false, isForeign: false, columns: [] }));
      },
    };
  }
}

/**
 * Brings the schema of one service up to date, on a connection of its own as the user of the URL, who must own the
 * schema. Instances that start together wait for each other. Throws a ConfigError when the database is newer than
 * `migrations` or older than the first release; an Error when a migration was slipped in before one that has run, and when
 * one fails (nothing of the call stays then).
 */
export async function migrate(url: string, options: MigrateOptions): Promise<void> {
  const { schema, migrations, log } = options;
  const target = createTarget({ url, schema, applicationName: `${schema} migrations` });
  const client = await connectTo(target).catch((error: unknown) => {
    const why = whyUnreachable(error);
    throw why === undefined ? error : new UnreachableDatabase(why, error);
  });
  client.on("error", (error) => log.warn({ err: error }, "the connection of the migrations broke while idle"));
  const names = new Map<string, string>();
  const kysely = new Kysely<unknown>({ dialect: new MigrationDialect({ pool: poolOfOne(client, names) }) });
  try {
    await refuseOldServer(client);
    await refuseSharedSessions(client, target);
    await refuseSuperseded(client, migrationTable);
    await kysely.connection().execute(async (db) => {
      // A session lock: the migrator creates its tables before it takes its own lock, and roles and schemas need one too.
      // It ends with the connection, should an unlock be missed.
      await db.executeQuery(
        CompiledQuery.raw("select pg_advisory_lock(hashtextextended($1, 0))", [`migrate ${schema}`]),
      );
      await ensureSchema(db, schema);
      if (options.role !== undefined) names.set(options.role, await ensureRole(db, options.role, schema));
      await refuseNewer(db, schema, Object.keys(migrations));
      await apply(db, schema, migrations, log);
    });
  } finally {
    await kysely.destroy();
    // Kysely ends only a connection that it has used; what refuses before that would leave one open.
    await client.end();
  }
}

/** What Kysely takes for a pool. `names`: how roles that the migrations name are called in this database. */
function poolOfOne(client: pg.Client, names: ReadonlyMap<string, string>): PostgresPool {
  const rename = (text: string): string => {
    let renamed = text;
    for (const [name, actual] of names)
      if (name !== actual)
        renamed = renamed.replaceAll(new RegExp(`\\b${name}\\b(?!["\\w])`, "g"), quoteIdentifier(actual));
    return renamed;
  };
  const connection = {
    query: (text: string, values?: unknown[]) => client.query(rename(text), values),
    release: () => undefined,
  } as unknown as PostgresPoolClient;
  return { options: {}, connect: async () => connection, end: () => client.end() };
}

/** `create schema if not exists` asks for the right to create schemas even where there is nothing to create. */
async function ensureSchema(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await db.executeQuery(CompiledQuery.raw("select 1 from pg_namespace where nspname = $1", [schema]));
  if (rows.length === 0) await db.executeQuery(CompiledQuery.raw(`create schema ${quoteIdentifier(schema)}`));
}

async function apply(
  db: Kysely<unknown>,
  schema: string,
  migrations: Readonly<Record<string, Migration>>,
  log: DatabaseLog,
): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: migrationTable,
    migrationTableSchema: schema,
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  for (const { migrationName, status } of results) {
    if (status === "Success" && error === undefined)
      log.info({ schema, migration: migrationName }, "migration applied");
    if (status === "Error") log.error({ schema, migration: migrationName, err: error }, "migration failed");
  }
  if (error === undefined) return;
  const failed = results.find(({ status }) => status === "Error")?.migrationName;
  const subject = failed === undefined ? "The migrations" : `Migration "${failed}"`;
  throw new Error(`${subject} of schema "${schema}" failed; nothing was changed`, { cause: error });
}

/** An older program must not run on a database whose shape it does not know. */
async function refuseNewer(db: Kysely<unknown>, schema: string, known: readonly string[]): Promise<void> {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(migrationTable)}`;
  const exists = await db.executeQuery<{ oid: unknown }>(CompiledQuery.raw("select to_regclass($1) as oid", [table]));
  if (exists.rows[0]?.oid == null) return;
  const { rows } = await db.executeQuery<{ name: string }>(
    CompiledQuery.raw(`select name from ${table} order by name`),
  );
  const unknown = rows.map(({ name }) => name).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const newest = [...known].sort().at(-1) ?? "none";
  throw new ConfigError(
    "DATABASE_URL",
    `The database is newer than this program: schema "${schema}" has the migrations ${unknown.join(", ")}, ` +
      `this program knows none after ${newest}. Start the newer program, or restore a backup from before its migrations.`,
  );
}
