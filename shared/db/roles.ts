import { CompiledQuery, type Kysely } from "kysely";
import { quoteIdentifier } from "./connection.ts";
import { sqlStateOf, sqlStates } from "./faults.ts";

const duplicateObject = "42710";

/**
 * Makes sure that a role exists that cannot log in, that the current user can `SET ROLE` to, and that may use the schema
 * (its tables are granted one by one by the migrations). Roles belong to the whole server, so databases that are set up
 * at the same time meet here; advisory locks do not reach across databases, hence the look, the try and the second look.
 */
export async function ensureRole(db: Kysely<unknown>, role: string, schema: string): Promise<void> {
  if (!(await roleExists(db, role))) {
    try {
      await db.executeQuery(CompiledQuery.raw(`create role ${quoteIdentifier(role)} nologin`));
    } catch (error) {
      const state = sqlStateOf(error);
      if (state !== sqlStates.uniqueViolation && state !== duplicateObject) throw error;
    }
  }
  const { rows } = await db.executeQuery<{ may: boolean }>(
    CompiledQuery.raw("select pg_has_role(current_user, $1, 'set') as may", [role]),
  );
  if (rows[0]?.may !== true) {
    await db.executeQuery(CompiledQuery.raw(`grant ${quoteIdentifier(role)} to current_user with set true`));
  }
  await db.executeQuery(
    CompiledQuery.raw(`grant usage on schema ${quoteIdentifier(schema)} to ${quoteIdentifier(role)}`),
  );
}

async function roleExists(db: Kysely<unknown>, role: string): Promise<boolean> {
  const { rows } = await db.executeQuery(CompiledQuery.raw("select 1 from pg_roles where rolname = $1", [role]));
  return rows.length > 0;
}
