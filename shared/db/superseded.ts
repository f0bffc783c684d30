import type pg from "pg";
import { ConfigError } from "../config.ts";
import { quoteIdentifier } from "./connection.ts";

/**
 * Before the first release the migrations of these schemas were written anew, as one set that says what is there today.
 * A database that has the first migration of the former set was made by a version that nobody was given.
 */
const formerFirst: Readonly<Record<string, string>> = {
  billing: "0001_accounts",
  history: "0001_tables",
};

/**
 * Throws a ConfigError where any schema of the database was made by the former set of its migrations: before any of them is
 * changed, whichever service starts first.
 */
export async function refuseSuperseded(client: pg.Client, migrationTable: string): Promise<void> {
  for (const schema of await migratedSchemas(client, migrationTable)) {
    const first = formerFirst[schema];
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(migrationTable)}`;
    const { rowCount } = await client.query(`select from ${table} where name = $1`, [first]);
    if (rowCount === 0) continue;
    throw new ConfigError(
      "DATABASE_URL",
      `The database "${client.database}" was made by a version from before the first release, which this one cannot read (schema "${schema}" has the ` +
        `migration ${first}). Nothing was changed. Start on a new database (DATABASE_URL) or data folder (THROUGHLINE_DATA), or go on with that version.`,
    );
  }
}

/** Those that this user may read; the others are their own user's to refuse. */
async function migratedSchemas(client: pg.Client, migrationTable: string): Promise<string[]> {
  const { rows } = await client.query<{ schema: string }>(
    `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = any($1) and c.relname = $2 and c.relkind = 'r'
        and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')`,
    [Object.keys(formerFirst), migrationTable],
  );
  return rows.map(({ schema }) => schema);
}
