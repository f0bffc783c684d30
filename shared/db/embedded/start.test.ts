import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase } from "../database.ts";
import { statement } from "../statement.ts";
import { silentLog } from "../testing.ts";
import { isPostmasterOf, startOfProcess } from "./process-identity.ts";
import { type EmbeddedPostgres, findEmbeddedPostgres, startEmbeddedPostgres } from "./start.ts";

// Closed to all others, as `mktemp -d` and /root are: the hardest place for a server that may not run as root.
let root: string;
let dataDir: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "throughline-embedded-"));
  await chmod(root, 0o700);
  dataDir = path.join(root, "data");
});
afterAll(() => rm(root, { recursive: true, force: true }));

const create = statement("create", "create table if not exists kept (id bigint primary key)");
const insert = statement("insert", "insert into kept values ($1)");
const read = statement("read", "select id from kept order by id");
const show = statement("show", "select name, setting from pg_settings where name = any($1) order by 1");

async function query<R extends object>(url: string, ...[what, values]: [ReturnType<typeof statement>, unknown[]]) {
  const db = createDatabase({ url, schema: "public", applicationName: "test", log: silentLog });
  try {
    return await db.query<R>(what, values);
  } finally {
    await db.close();
  }
}

const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dataDir, log: silentLog });

const whoAmI = statement(
  "who",
  "select rolname::text as name, rolsuper as super, rolcreaterole as roles from pg_roles where rolname = current_user",
);
const owners = statement(
  "owners",
  `select distinct o::text as owner from (
     select nspowner::regrole from pg_namespace where nspname = 'billing'
     union all select relowner::regrole from pg_class where relnamespace = 'billing'::regnamespace
     union all select proowner::regrole from pg_proc where pronamespace = 'billing'::regnamespace
     union all select typowner::regrole from pg_type where typnamespace = 'billing'::regnamespace) as owned (o)`,
);

async function whileRunning<T>(run: (server: EmbeddedPostgres) => Promise<T>): Promise<T> {
  const server = await start();
  try {
    return await run(server);
  } finally {
    await server.stop();
  }
}

/** Another program that starts the server on the same directory and then waits to be killed. */
async function startElsewhere(): Promise<{ program: ChildProcess; pid: number; url: string }> {
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(new URL("./start.ts", import.meta.url).href)});
    const none = () => {};
    const log = { debug: none, info: none, warn: none, error: none };
    const { pid, superuserUrl: url } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log });
    console.log(JSON.stringify({ pid, url }));
    setInterval(none, 1000);`;
  const program = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(program.stdout), "line")) as [string];
  return { program, ...JSON.parse(line) };
}

async function killHard(program: ChildProcess): Promise<void> {
  const exited = once(program, "exit");
  program.kill("SIGKILL");
  await exited;
}

/** Waits for the end of a process that is not ours: nothing tells of it but a look. */
async function untilEnded(pid: number): Promise<void> {
  while ((await startOfProcess(pid)) !== undefined) await delay(10);
}

async function watchdogsOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
    const words = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (words[0] === "/bin/sh" && words.includes(String(pid))) found.push(Number(name));
  }
  return found;
}

describe("startEmbeddedPostgres", () => {
  test("keeps its data from start to start, to itself and durably", async () => {
    await whileRunning(async ({ url, superuserUrl, port }) => {
      await query(superuserUrl, create, []);
      await query(superuserUrl, insert, [1n]);
      expect(new URL(url).port).toBe(String(port));
      expect(await findEmbeddedPostgres(dataDir)).toBe(url);
      const names = [
        "fsync",
        "full_page_writes",
        "jit",
        "listen_addresses",
        "synchronous_commit",
        "unix_socket_directories",
      ];
      expect(await query(superuserUrl, show, [names])).toEqual(
        ["on", "on", "off", "127.0.0.1", "on", ""].map((setting, index) => ({ name: names[index], setting })),
      );
      const withoutPassword = new URL(url);
      withoutPassword.password = "guess";
      await expect(query(withoutPassword.href, read, [])).rejects.toMatchObject({ code: "service_unavailable" });
    });
    expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
    expect((await stat(path.join(dataDir, "postgres.password"))).mode & 0o777).toBe(0o600);
    expect((await stat(path.join(dataDir, "postgres"))).mode & 0o077).toBe(0);
    expect(await whileRunning(({ superuserUrl }) => query(superuserUrl, read, []))).toEqual([{ id: 1n }]);
  });

  test("has the services log in as no superuser, who may make what they need and owns what an older version made", async () => {
    await whileRunning(async ({ url, superuserUrl }) => {
      expect(await query(url, whoAmI, [])).toEqual([{ name: "throughline_services", super: false, roles: true }]);
      const made = [
        "create role throughline_billing nologin",
        "create schema billing",
        "grant usage on schema billing to throughline_billing",
        "create table billing.entry (id bigint generated always as identity, at integer, primary key (id, at)) partition by list (at)",
        "create table billing.entry_1 partition of billing.entry for values in (1)",
        "create sequence billing.number",
        "create view billing.seen as select id from billing.entry",
        "create type billing.kind as enum ('a')",
        "create domain billing.amount as bigint check (value > 0)",
        "create type billing.pair as (a bigint, b bigint)",
        "create function billing.one(p billing.pair) returns bigint language sql return 1",
        "create procedure billing.two() language sql as 'select 2'",
      ];
      for (const text of made) await query(superuserUrl, statement("make", text), []);
      await expect(query(url, statement("drop", "drop table billing.entry"), [])).rejects.toThrow("permission denied");
    });
    await whileRunning(async ({ url }) => {
      expect(await query(url, owners, [])).toEqual([{ owner: "throughline_services" }]);
      const may = statement("may", "select pg_has_role('throughline_billing', 'set') as may");
      expect(await query(url, may, [])).toEqual([{ may: true }]);
      await query(url, statement("alter", "alter table billing.entry add column more text"), []);
      await query(url, statement("drop", "drop schema billing cascade"), []);
      await query(url, statement("make", "create schema anew"), []);
      await expect(query(url, statement("read", "select pg_read_file('/etc/passwd')"), [])).rejects.toThrow(
        "permission denied",
      );
    });
    expect((await stat(path.join(dataDir, "postgres.services-password"))).mode & 0o777).toBe(0o600);
  });

  test("refuses a directory that another living process uses, and takes it over when that one is gone", async () => {
    const { program, pid } = await startElsewhere();
    await expect(start()).rejects.toThrow(`The data directory is in use by process ${program.pid}`);
    await killHard(program);
    await whileRunning(({ superuserUrl }) => query(superuserUrl, read, []));
    await untilEnded(pid);
  });

  test("is shut down in an orderly way when its program is killed", async () => {
    const { program, pid, url } = await startElsewhere();
    await query(url, insert, [2n]);
    await killHard(program);
    await untilEnded(pid);
    const said = await readFile(path.join(dataDir, "postgres.log"), "utf8");
    expect(said.trimEnd().split("\n").at(-1)).toContain("database system is shut down");
    expect(await whileRunning((server) => query(server.superuserUrl, read, []))).toContainEqual({ id: 2n });
  });

  test.runIf(process.platform === "linux")("stops a server that outlived its program and its watchdog", async () => {
    const { program, pid, url } = await startElsewhere();
    await query(url, insert, [3n]);
    for (const watchdog of await watchdogsOf(pid)) process.kill(watchdog, "SIGKILL");
    await killHard(program);
    expect(await isPostmasterOf(pid, path.join(dataDir, "postgres"))).toBe(true);
    expect(await whileRunning((server) => query(server.superuserUrl, read, []))).toContainEqual({ id: 3n });
    expect(await startOfProcess(pid)).toBeUndefined();
  });

  test("recovers what was committed when the server itself is killed", async () => {
    const server = await start();
    await query(server.superuserUrl, insert, [4n]);
    process.kill(server.pid, "SIGKILL");
    await untilEnded(server.pid);
    await server.stop();
    expect(await whileRunning(({ superuserUrl }) => query(superuserUrl, read, []))).toContainEqual({ id: 4n });
  });

  test("is started again on its port when it is killed, with what was committed", async () => {
    await whileRunning(async ({ superuserUrl: url, pid }) => {
      await query(url, insert, [5n]);
      process.kill(pid, "SIGKILL");
      await untilEnded(pid);
      await expect.poll(() => query(url, read, []).catch(() => []), { timeout: 20_000 }).toContainEqual({ id: 5n });
    });
    expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
  });

  test("is not misled by a lock file whose process number now belongs to another program", async () => {
    const lockFile = path.join(dataDir, "postgres", "postmaster.pid");
    await writeFile(lockFile, `${process.pid}\n${dataDir}/postgres\n0\n5432\n\n127.0.0.1\n0 0\nready\n`);
    expect(await whileRunning(({ superuserUrl }) => query(superuserUrl, read, []))).not.toEqual([]);
  });

  test("says what the server said when it does not start", async () => {
    const failing = startEmbeddedPostgres({ dataDir, log: silentLog, settings: { shared_buffers: "nonsense" } });
    await expect(failing).rejects.toThrow(/did not start: .*"shared_buffers"/s);
    await whileRunning(({ superuserUrl }) => query(superuserUrl, read, []));
  });
});
