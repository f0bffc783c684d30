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
    const { pid, url } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log });
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
    await whileRunning(async ({ url, port }) => {
      await query(url, create, []);
      await query(url, insert, [1n]);
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
      expect(await query(url, show, [names])).toEqual(
        ["on", "on", "off", "127.0.0.1", "on", ""].map((setting, index) => ({ name: names[index], setting })),
      );
      const withoutPassword = new URL(url);
      withoutPassword.password = "guess";
      await expect(query(withoutPassword.href, read, [])).rejects.toMatchObject({ code: "service_unavailable" });
    });
    expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
    expect((await stat(path.join(dataDir, "postgres.password"))).mode & 0o777).toBe(0o600);
    expect((await stat(path.join(dataDir, "postgres"))).mode & 0o077).toBe(0);
    expect(await whileRunning(({ url }) => query(url, read, []))).toEqual([{ id: 1n }]);
  });

  test("refuses a directory that another living process uses, and takes it over when that one is gone", async () => {
    const { program, pid } = await startElsewhere();
    await expect(start()).rejects.toThrow(`The data directory is in use by process ${program.pid}`);
    await killHard(program);
    await whileRunning(({ url }) => query(url, read, []));
    await untilEnded(pid);
  });

  test("is shut down in an orderly way when its program is killed", async () => {
    const { program, pid, url } = await startElsewhere();
    await query(url, insert, [2n]);
    await killHard(program);
    await untilEnded(pid);
    const said = await readFile(path.join(dataDir, "postgres.log"), "utf8");
    expect(said.trimEnd().split("\n").at(-1)).toContain("database system is shut down");
    expect(await whileRunning((server) => query(server.url, read, []))).toContainEqual({ id: 2n });
  });

  test.runIf(process.platform === "linux")("stops a server that outlived its program and its watchdog", async () => {
    const { program, pid, url } = await startElsewhere();
    await query(url, insert, [3n]);
    for (const watchdog of await watchdogsOf(pid)) process.kill(watchdog, "SIGKILL");
    await killHard(program);
    expect(await isPostmasterOf(pid, path.join(dataDir, "postgres"))).toBe(true);
    expect(await whileRunning((server) => query(server.url, read, []))).toContainEqual({ id: 3n });
    expect(await startOfProcess(pid)).toBeUndefined();
  });

  test("recovers what was committed when the server itself is killed", async () => {
    const server = await start();
    await query(server.url, insert, [4n]);
    process.kill(server.pid, "SIGKILL");
    await untilEnded(server.pid);
    await server.stop();
    expect(await whileRunning(({ url }) => query(url, read, []))).toContainEqual({ id: 4n });
  });

  test("is started again on its port when it is killed, with what was committed", async () => {
    await whileRunning(async ({ url, pid }) => {
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
    expect(await whileRunning(({ url }) => query(url, read, []))).not.toEqual([]);
  });

  test("says what the server said when it does not start", async () => {
    const failing = startEmbeddedPostgres({ dataDir, log: silentLog, settings: { shared_buffers: "nonsense" } });
    await expect(failing).rejects.toThrow(/did not start: .*"shared_buffers"/s);
    await whileRunning(({ url }) => query(url, read, []));
  });
});
