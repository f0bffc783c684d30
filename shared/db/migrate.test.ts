import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../config.ts";
import { createDatabase } from "./database.ts";
import { sqlStateOf, sqlStates } from "./faults.ts";
import { type Migration, migrate } from "./migrate.ts";
import { statement } from "./statement.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

const accounts: Migration = {
  async up(db) {
    await sql`create table accounts (id bigint primary key, name text not null)`.execute(db);
    await sql`grant select, insert on accounts to public`.execute(db);
  },
};
const ledger: Migration = {
  async up(db) {
    await sql`create table ledger (id bigint primary key)`.execute(db);
  },
};
const broken: Migration = {
  async up(db) {
    await sql`create table half (id bigint)`.execute(db);
    await sql`select 1 / 0`.execute(db);
  },
};

const tablesOf = statement(
  "tables",
  "select table_name as name from information_schema.tables where table_schema = $1 and table_name not like 'kysely%' order by 1",
);

async function tables(schema: string): Promise<string[]> {
  const db = createDatabase({ url: postgres.url, schema, applicationName: "test", log: silentLog });
  try {
    return (await db.query<{ name: string }>(tablesOf, [schema])).map(({ name }) => name);
  } finally {
    await db.close();
  }
}

describe("migrate", () => {
  test("applies what is missing, in the service's schema, and nothing twice", async () => {
    const applied: unknown[] = [];
    const log = { ...silentLog, info: (fields: object) => applied.push(fields) };
    await migrate(postgres.url, { schema: "once", migrations: { "0001_accounts": accounts }, log });
    await migrate(postgres.url, { schema: "once", migrations: { "0001_accounts": accounts }, log });
    await migrate(postgres.url, {
      schema: "once",
      migrations: { "0001_accounts": accounts, "0002_ledger": ledger },
      log,
    });
    expect(applied).toEqual([
      { schema: "once", migration: "0001_accounts" },
      { schema: "once", migration: "0002_ledger" },
    ]);
    expect(await tables("once")).toEqual(["accounts", "ledger"]);
  });

  test("instances that start at once all come up, with each migration run once", async () => {
    const starts = Array.from({ length: 8 }, (_, index) =>
      migrate(postgres.url, {
        // Two services on one database, too: their schemas and roles are made at the same time.
        schema: `race_${index % 2}`,
        role: `test_race_${index % 2}`,
        migrations: { "0001_accounts": accounts, "0002_ledger": ledger },
        log: silentLog,
      }),
    );
    await Promise.all(starts);
    expect(await tables("race_0")).toEqual(["accounts", "ledger"]);
    expect(await tables("race_1")).toEqual(["accounts", "ledger"]);
  });

  test("refuses a database that is newer than the program and names what it does not know", async () => {
    const newer = { "0001_accounts": accounts, "0002_ledger": ledger };
    await migrate(postgres.url, { schema: "newer", migrations: newer, log: silentLog });
    const start = migrate(postgres.url, {
      schema: "newer",
      migrations: { "0001_accounts": accounts },
      log: silentLog,
    });
    await expect(start).rejects.toThrow(
      'The database is newer than this program: schema "newer" has the migrations 0002_ledger, this program knows none after 0001_accounts.',
    );
    expect(await tables("newer")).toEqual(["accounts", "ledger"]);
  });

  test.each([
    ["history", "0001_tables"],
    ["billing", "0001_accounts"],
  ])("leaves a database of before the first release alone, and says so in a line: %s", async (former, first) => {
    await using old = await testPostgres();
    const db = createDatabase({ url: old.url, schema: "public", applicationName: "test", log: silentLog });
    try {
      await sql`create schema ${sql.id(former)}`.execute(db.kysely);
      await sql`create table ${sql.id(former)}.kysely_migration (name text primary key)`.execute(db.kysely);
      await sql`insert into ${sql.id(former)}.kysely_migration values (${first})`.execute(db.kysely);
      // Whichever schema comes first.
      for (const schema of ["routing", former]) {
        const start = migrate(old.url, { schema, migrations: { "0001_accounts": accounts }, log: silentLog });
        await expect(start).rejects.toThrow(
          /^The database "test_\w+" was made by a version from before the first release, .* Nothing was changed\. .*/,
        );
        await expect(start).rejects.toBeInstanceOf(ConfigError);
      }
      const schemas = await db.query<{ name: string }>(
        statement("schemas", "select nspname as name from pg_namespace"),
        [],
      );
      expect(schemas.map(({ name }) => name)).not.toContain("routing");
      const open = statement(
        "open",
        "select 1 from pg_stat_activity where application_name like '% migrations' and datname = current_database()",
      );
      await expect.poll(() => db.query(open, [])).toEqual([]);
    } finally {
      await db.close();
    }
  });

  test("keeps nothing of a call in which a migration fails", async () => {
    const start = migrate(postgres.url, {
      schema: "failing",
      migrations: { "0001_accounts": accounts, "0002_broken": broken },
      log: silentLog,
    });
    await expect(start).rejects.toThrow('Migration "0002_broken" of schema "failing" failed; nothing was changed');
    expect(await tables("failing")).toEqual([]);
  });

  test("refuses a migration slipped in before one that has run", async () => {
    await migrate(postgres.url, { schema: "slipped", migrations: { "0002_ledger": ledger }, log: silentLog });
    const start = migrate(postgres.url, {
      schema: "slipped",
      migrations: { "0001_accounts": accounts, "0002_ledger": ledger },
      log: silentLog,
    });
    await expect(start).rejects.toThrow('The migrations of schema "slipped" failed; nothing was changed');
  });

  test("gives the service's role the use of the schema and no more than the migrations grant", async () => {
    await migrate(postgres.url, {
      schema: "roles",
      role: "test_migrate_roles",
      migrations: { "0001_accounts": accounts },
      log: silentLog,
    });
    const db = createDatabase({
      url: postgres.url,
      schema: "roles",
      role: "test_migrate_roles",
      applicationName: "test",
      log: silentLog,
    });
    try {
      expect(await db.query(statement("who", "select current_user::text as name"), [])).toEqual([
        { name: expect.stringMatching(/^test_migrate_roles_test_/) },
      ]);
      await db.query(statement("add", "insert into accounts values ($1, $2)"), [1n, "a"]);
      const forbidden = await db.query(statement("drop", "delete from accounts"), []).catch((error: unknown) => error);
      expect(sqlStateOf(forbidden)).toBe(sqlStates.insufficientPrivilege);
    } finally {
      await db.close();
    }
  });

  test("is not troubled by tables of other services that come and go meanwhile", async () => {
    const db = createDatabase({ url: postgres.url, schema: "public", applicationName: "test", log: silentLog });
    await sql`create schema other`.execute(db.kysely);
    let migrating = true;
    const churn = (async () => {
      for (let turn = 0; migrating; turn++) {
        const names = Array.from({ length: 40 }, (_, index) => `other.t${turn}_${index}`);
        await sql.raw(names.map((name) => `create table ${name} (id bigserial)`).join(";")).execute(db.kysely);
        for (const name of names) await sql.raw(`drop table ${name}`).execute(db.kysely);
      }
    })();
    try {
      for (let turn = 0; turn < 25; turn++)
        await migrate(postgres.url, { schema: "beside", migrations: { "0001_accounts": accounts }, log: silentLog });
    } finally {
      migrating = false;
      await churn;
      await db.close();
    }
  });
});
