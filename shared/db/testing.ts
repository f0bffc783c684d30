import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import pg from "pg";
import { inject } from "vitest";
import { quoteIdentifier } from "./connection.ts";
import type { DatabaseLog } from "./database-log.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Socket where the global set-up (test/setup/postgres.ts) tells the address of the run's server. */
    testPostgresSocket: string;
  }
}

/** A fresh, empty database on the server of this test run. */
export interface TestPostgres extends AsyncDisposable {
  /** Address with the rights of a superuser. */
  readonly url: string;
  /** Drops the database, ending what is still connected. */
  stop(): Promise<void>;
}

/**
 * Gives a fresh database. The server is started by the first call of the whole run (about 0.6 s), shared by all workers
 * and stopped at the end of the run; a database costs about 40 ms. With TEST_DATABASE_URL that server is used instead.
 * Roles belong to the server, not to the database: name them apart where suites could get in each other's way.
 */
export async function testPostgres(): Promise<TestPostgres> {
  const serverUrl = await askForServer(inject("testPostgresSocket"));
  const name = `test_${randomBytes(8).toString("hex")}`;
  await runAlone(serverUrl, `create database ${quoteIdentifier(name)}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const stop = async (): Promise<void> => {
    await runAlone(serverUrl, `drop database if exists ${quoteIdentifier(name)} with (force)`);
    // The roles of services, which bear the name of their database.
    await runAlone(
      serverUrl,
      `do $$ declare v_role text; begin
         for v_role in select rolname from pg_roles where rolname like '%_${name}' loop
           execute format('drop role %I', v_role);
         end loop;
       end $$`,
    );
  };
  return { url: url.href, stop, [Symbol.asyncDispose]: stop };
}

/** A log that says nothing. */
export const silentLog: DatabaseLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

async function askForServer(socketPath: string): Promise<string> {
  const answer = JSON.parse(await text(connect(socketPath))) as { url: string } | { error: string };
  if ("error" in answer) throw new Error(`The PostgreSQL server of the test run did not start: ${answer.error}`);
  return answer.url;
}

async function runAlone(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "tests" });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
