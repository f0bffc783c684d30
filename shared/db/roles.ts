import { CompiledQuery, type Kysely } from "kysely";
import { ConfigError } from "../config.ts";
import { ownRoleExpression, quoteIdentifier, quoteLiteral, roleExpression } from "./connection.ts";
import { sqlStateOf, sqlStates } from "./faults.ts";

const duplicateObject = "42710";

/**
 * Makes sure that a role exists that cannot log in, that the current user can `SET ROLE` to, and that may use the schema
 * (its tables are granted one by one by the migrations). Gives its name: `role` with the name of the database behind it,
 * for roles belong to the whole server and from PostgreSQL 16 on only who made one may grant it, so that two
 * installations with users of their own cannot share one; or the one that has the use of the schema already.
 * Throws a ConfigError where the user may not make or take on the role.
 */
export async function ensureRole(db: Kysely<unknown>, role: string, schema: string): Promise<string> {
  const found = await one<{ used: string | null; own: string; login: string }>(
    db,
    `select ${roleExpression(role, schema)} as used, ${ownRoleExpression(role)}::text as own, current_user::text as login`,
  );
  const name = found.used ?? found.own;
  const permitted = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (sqlStateOf(error) !== sqlStates.insufficientPrivilege) throw error;
      throw new ConfigError(
        "DATABASE_URL",
        `The user ${quoteIdentifier(found.login)} of DATABASE_URL may not make or take on the role ${quoteIdentifier(name)}: ` +
          `give it CREATEROLE, or have a superuser run: create role ${quoteIdentifier(name)} nologin (where it is missing); ` +
          `grant ${quoteIdentifier(name)} to ${quoteIdentifier(found.login)} with set true`,
      );
    }
  };
  if (!(await one<{ exists: boolean }>(db, existsRole(name))).exists) await permitted(create(db, name));
  const { may } = await one<{ may: boolean }>(
    db,
    `select pg_has_role(current_user, ${quoteLiteral(name)}, 'set') as may`,
  );
  if (!may) await permitted(run(db, `grant ${quoteIdentifier(name)} to current_user with set true`));
  await run(db, `grant usage on schema ${quoteIdentifier(schema)} to ${quoteIdentifier(name)}`);
  return name;
}

/** Databases that are restored under one name on one server meet here; the look before is not enough. */
async function create(db: Kysely<unknown>, name: string): Promise<void> {
  try {
    await run(db, `create role ${quoteIdentifier(name)} nologin`);
  } catch (error) {
    const state = sqlStateOf(error);
    if (state !== sqlStates.uniqueViolation && state !== duplicateObject) throw error;
  }
}

function existsRole(name: string): string {
  return `select exists (select from pg_roles where rolname = ${quoteLiteral(name)}) as exists`;
}

async function run(db: Kysely<unknown>, text: string): Promise<void> {
  await db.executeQuery(CompiledQuery.raw(text));
}

async function one<R>(db: Kysely<unknown>, text: string): Promise<R> {
  const { rows } = await db.executeQuery<R>(CompiledQuery.raw(text));
  const [row] = rows;
  if (row === undefined) throw new Error("PostgreSQL gave no row");
  return row;
}
