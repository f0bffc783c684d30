import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database } from "./database.ts";
import { type Migration, migrate } from "./migrate.ts";
import { refuseOldServer } from "./server-checks.ts";
import { statement } from "./statement.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

const accounts: Migration = {
  async up(db) {
    await sql`create table money.accounts (id bigint primary key)`.execute(db);
    await sql`grant select, insert on money.accounts to keeper`.execute(db);
  },
};
const options = { schema: "money", role: "keeper", migrations: { "0001_accounts": accounts }, log: silentLog };
const whoAndWhat = statement("who", "insert into accounts values ($1) returning current_user::text as name");
const deleting = statement("deleting", "delete from accounts");

/** A user with the rights that the documents ask for, who owns one database. */
interface Tenant {
  readonly url: string;
  readonly user: string;
}

let server: TestPostgres;
let admin: Database<unknown>;
const made: { users: string[]; databases: string[] } = { users: [], databases: [] };
beforeAll(async () => {
  server = await testPostgres();
  admin = createDatabase({ url: server.url, schema: "public", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  for (const name of made.databases) await run(`drop database if exists ${name} with (force)`);
  for (const name of [...made.databases.map((database) => `keeper_${database}`), "keeper", ...made.users])
    await run(`drop role if exists ${name}`);
  await admin.close();
  await server.stop();
});

const run = (text: string) => sql.raw(text).execute(admin.kysely);

async function tenant(rights = "createrole"): Promise<Tenant> {
  const name = `tenant_${randomBytes(4).toString("hex")}`;
  await run(`create role ${name} login ${rights} password 'secret'`);
  await run(`create database ${name} owner ${name}`);
  made.users.push(name);
  made.databases.push(name);
  const url = new URL(server.url);
  Object.assign(url, { username: name, password: "secret", pathname: `/${name}` });
  return { url: url.href, user: name };
}

/** What the service finds itself to be. */
async function serve({ url }: Tenant, id: bigint): Promise<string | undefined> {
  const db = createDatabase({ ...options, url, applicationName: "test" });
  try {
    const [row] = await db.query<{ name: string }>(whoAndWhat, [id]);
    await expect(db.query(deleting, [])).rejects.toThrow("permission denied");
    return row?.name;
  } finally {
    await db.close();
  }
}

describe("the role of a service", () => {
  test("is the installation's own: two of them with users of their own share a server", async () => {
    const [production, staging] = [await tenant(), await tenant()];
    for (const one of [production, staging, production]) await migrate(one.url, options);
    expect(await serve(production, 1n)).toBe(`keeper_${production.user}`);
    expect(await serve(staging, 1n)).toBe(`keeper_${staging.user}`);
  });

  test("stays the one that an older version made, and that one alone", async () => {
    const older = await tenant();
    const url = new URL(older.url);
    const owner = createDatabase({ url: url.href, schema: "public", applicationName: "test", log: silentLog });
    for (const text of [
      "create role keeper nologin",
      "grant keeper to current_user with set true",
      "create schema money",
      "grant usage on schema money to keeper",
    ])
      await sql.raw(text).execute(owner.kysely);
    await owner.close();
    await migrate(older.url, options);
    await migrate(older.url, options);
    expect(await serve(older, 1n)).toBe("keeper");
    const newer = await tenant();
    await migrate(newer.url, options);
    expect(await serve(newer, 1n)).toBe(`keeper_${newer.user}`);
  });

  test("goes on under a database that was renamed", async () => {
    const renamed = await tenant();
    await migrate(renamed.url, options);
    const name = `${renamed.user}_anew`;
    await run(`alter database ${renamed.user} rename to ${name}`);
    made.databases.push(name);
    const after = { ...renamed, url: renamed.url.replace(/\/[^/]*$/, `/${name}`) };
    await migrate(after.url, options);
    expect(await serve(after, 2n)).toBe(`keeper_${renamed.user}`);
  });

  test("that the user may not make is told in one line", async () => {
    const weak = await tenant("nocreaterole");
    await expect(migrate(weak.url, options)).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringMatching(
        /^The user "tenant_\w+" of DATABASE_URL may not make or take on the role "keeper_tenant_\w+": .*$/,
      ),
    });
  });
});

describe("an older server", () => {
  const answering = (number: number, name: string) =>
    ({ query: async () => ({ rows: [{ number: String(number), name }] }) }) as never;

  test("is refused in one line", async () => {
    await expect(refuseOldServer(answering(150_014, "15.14 (Debian)"))).rejects.toMatchObject({
      name: "ConfigError",
      message: "DATABASE_URL leads to PostgreSQL 15.14 (Debian); Throughline needs 16 or later. Nothing was written.",
    });
  });

  test("is not what 16 and later are", async () => {
    for (const number of [160_000, 160_004, 180_001]) await refuseOldServer(answering(number, "x"));
  });
});
