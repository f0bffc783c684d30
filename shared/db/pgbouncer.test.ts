import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../free-ports.ts";
import { createDatabase } from "./database.ts";
import { createListener } from "./listener.ts";
import { type Migration, migrate } from "./migrate.ts";
import { statement } from "./statement.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

const program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"].find((file) => {
  try {
    execFileSync(file, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
/** Shown where the tests are skipped. */
const title = program === undefined ? "PgBouncer, which is not installed (apt-get install pgbouncer)" : "PgBouncer";

const migrations: Readonly<Record<string, Migration>> = {
  "0001_accounts": {
    async up(db) {
      await sql`create table accounts (id bigint primary key)`.execute(db);
      await sql`grant select, insert on accounts to pooled`.execute(db);
    },
  },
};
const session = statement(
  "session",
  `select current_user::text as role, current_setting('search_path') as path, current_setting('TimeZone') as zone,
     current_setting('statement_timeout') as timeout, current_setting('plan_cache_mode') as plans`,
);
const insert = statement("insert", "insert into accounts values ($1)");
const ids = statement("ids", "select id from accounts order by id");

describe.skipIf(program === undefined)(`behind ${title}`, () => {
  let postgres: TestPostgres;
  let folder: string;
  const running: ChildProcess[] = [];
  beforeAll(async () => {
    postgres = await testPostgres();
    folder = mkdtempSync(path.join(tmpdir(), "throughline-pgbouncer-"));
    chmodSync(folder, 0o755);
  });
  afterAll(async () => {
    for (const child of running) {
      const exited = once(child, "exit");
      child.kill("SIGQUIT");
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
    await postgres.stop();
  });

  /** Starts a pooler in front of the test's database, as Debian configures it but for what must be; gives its address. */
  async function start(mode: "session" | "transaction"): Promise<string> {
    const { hostname, port: serverPort, username, password, pathname } = new URL(postgres.url);
    const port = await freePort();
    const config = path.join(folder, `${mode}.ini`);
    const users = path.join(folder, "users.txt");
    writeFileSync(users, `"${username}" "${password}"\n`, { mode: 0o600 });
    writeFileSync(
      config,
      `[databases]
       * = host=${hostname} port=${serverPort}
       [pgbouncer]
       listen_addr = 127.0.0.1
       listen_port = ${port}
       unix_socket_dir =
       auth_type = plain
       auth_file = ${users}
       pool_mode = ${mode}
       default_pool_size = 4
       server_reset_query = DISCARD ALL
      `.replaceAll(/^ +/gm, ""),
      { mode: 0o600 },
    );
    const user = systemUser();
    if (user !== undefined) for (const file of [config, users]) chownSync(file, user.uid, user.gid);
    const child = spawn(program ?? "", [config], { ...user, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    running.push(child);
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    while (!said.includes("process up")) {
      await Promise.race([once(child.stderr, "data"), once(child, "exit").then(() => Promise.reject(new Error(said)))]);
    }
    return `postgres://${username}:${password}@127.0.0.1:${port}${pathname}`;
  }

  test("in session mode: schema, role and settings hold, also on a connection that another has used", async () => {
    const url = await start("session");
    await migrate(url, { schema: "money", role: "pooled", migrations, log: silentLog });
    const open = (applicationName: string, role?: string) =>
      createDatabase({
        url,
        schema: "money",
        role,
        applicationName,
        maxConnections: 2,
        statementTimeoutMs: 12_000,
        settings: { plan_cache_mode: "force_generic_plan" },
        log: silentLog,
      });
    // As many one after the other as the pooler has connections, and more: each server connection is used again.
    for (let id = 1n; id <= 8n; id++) {
      const db = open("test", id % 2n === 0n ? "pooled" : undefined);
      try {
        const before = db.statements;
        for (const [found] of await Promise.all([1, 2].map(() => db.query<{ role: string }>(session, [])))) {
          const expected = { path: '"money"', zone: "UTC", timeout: "12s", plans: "force_generic_plan" };
          expect(found).toMatchObject(expected);
          expect(found?.role.startsWith("pooled_")).toBe(id % 2n === 0n);
        }
        await db.query(insert, [id]);
        expect(db.statements - before).toBe(3);
        expect((await db.query(ids, [])).length).toBe(Number(id));
      } finally {
        await db.close();
      }
    }
    const heard = Promise.withResolvers<string>();
    const listener = createListener({
      url,
      applicationName: "test",
      channels: { heard: heard.resolve },
      log: silentLog,
    });
    await listener.ready;
    const db = open("test");
    await db.query(statement("notify", "select pg_notify('heard', 'it')"), []);
    expect(await heard.promise).toBe("it");
    await Promise.all([db.close(), listener.close()]);
  });

  test("in transaction mode it is refused in one line, and nothing is written", async () => {
    const url = await start("transaction");
    await expect(migrate(url, { schema: "elsewhere", migrations, log: silentLog })).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringMatching(/^DATABASE_URL leads to a pooler in transaction mode.*$/),
    });
    const db = createDatabase({ url: postgres.url, schema: "public", applicationName: "test", log: silentLog });
    const schemas = statement("schemas", "select 1 as one from pg_namespace where nspname = 'elsewhere'");
    expect(await db.query(schemas, [])).toEqual([]);
    await db.close();
  });
});

/** PgBouncer refuses to run as root. */
function systemUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number.parseInt(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }), 10);
  return { uid: id("-u"), gid: id("-g") };
}
