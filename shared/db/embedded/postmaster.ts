import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../free-ports.ts";
import { watchOver } from "../../watchdog.ts";
import type { DatabaseLog } from "../database-log.ts";
import { isPostmasterOf, startOfProcess } from "./process-identity.ts";
import { toArguments } from "./settings.ts";
import type { Launcher } from "./system-user.ts";

/** A running server, child of this process. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Resolves when it has ended, stopped or by itself. */
  readonly ended: Promise<void>;
  /** Ends all sessions, writes a checkpoint and waits for the end of the server. A second call waits for the first. */
  stop(): Promise<void>;
}

/** What a server is started from. */
export interface PostmasterOptions {
  readonly program: string;
  readonly directory: string;
  readonly launcher: Launcher;
  readonly settings: Readonly<Record<string, string>>;
  /** Receives what the server says. */
  readonly logFile: string;
  readonly log: DatabaseLog;
  /** Port of 127.0.0.1. Default: one that is free. */
  readonly port?: number;
}

const pollMs = 5;
const startLimitMs = 60_000;
const stopLimitMs = 30_000;
const starts = 5;
const maxLogFileBytes = 16 * 1024 * 1024;

/** Starts the server on 127.0.0.1 and waits until it takes connections. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  for (let start = 1; ; start++) {
    try {
      return await tryStart(options);
    } catch (error) {
      // The port was taken between the look and the start, or sessions of a killed server have not all ended yet.
      const passing = error instanceof Error && /could not bind|still in use/.test(error.message);
      if (!passing || start === starts) throw error;
      await delay(200 * start);
    }
  }
}

/**
 * Stops the server that a killed process left running on this data directory, and removes the lock file of one that is
 * gone: PostgreSQL would refuse to start where the number in it belongs to another program of the same user by now.
 */
export async function stopOrphan(directory: string, log: DatabaseLog): Promise<void> {
  const found = await readPidFile(directory);
  if (found === undefined) return;
  const { pid } = found;
  if (await isPostmasterOf(pid, directory)) {
    log.warn({ pid }, "stopping the PostgreSQL server that an earlier run left behind");
    await stopProcess(pid, () => startOfProcess(pid).then((started) => started === undefined));
  }
  await rm(path.join(directory, "postmaster.pid"), { force: true });
}

/** The port of the server that runs on this data directory and takes connections; undefined when none does. */
export async function findRunningPort(directory: string): Promise<number | undefined> {
  const found = await readPidFile(directory);
  return found?.ready && (await isPostmasterOf(found.pid, directory)) ? found.port : undefined;
}

async function tryStart({
  program,
  directory,
  launcher,
  settings,
  logFile,
  log,
  port: givenPort,
}: PostmasterOptions): Promise<Postmaster> {
  const port = givenPort ?? (await freePort());
  const { handle, offset } = await openLogFile(logFile);
  const { file, args, ...user } = launcher.command(program, [
    "-D",
    directory,
    "-p",
    String(port),
    ...toArguments(settings),
  ]);
  let child: ChildProcess;
  try {
    // A session of its own: Ctrl-C in the terminal goes to the whole group, and the server must outlive our orderly stop.
    child = spawn(file, args, {
      ...user,
      cwd: directory,
      env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
      detached: true,
      stdio: ["ignore", handle.fd, handle.fd],
    });
  } finally {
    await handle.close();
  }
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const hasExited = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  await waitUntilReady(directory, child, hasExited).catch(async (cause: unknown) => {
    if (!hasExited()) child.kill("SIGQUIT");
    await exited;
    throw new Error(`PostgreSQL did not start: ${await tail(logFile, offset)}`, { cause });
  });
  const pid = child.pid as number;
  // The settings may say another port than the one that was found free.
  const listensOn = (await readPidFile(directory))?.port ?? port;
  const dismissWatchdog = watchOver(pid);
  child.unref();
  let stopping: Promise<void> | undefined;
  child.once("exit", (code, signal) => {
    dismissWatchdog();
    if (stopping === undefined) log.error({ pid, code, signal, logFile }, "the embedded PostgreSQL ended unexpectedly");
  });
  return {
    pid,
    port: listensOn,
    ended: exited,
    stop() {
      stopping ??= hasExited() ? Promise.resolve() : stopProcess(pid, async () => hasExited()).then(() => exited);
      return stopping;
    },
  };
}

async function waitUntilReady(directory: string, child: ChildProcess, hasExited: () => boolean): Promise<void> {
  const limit = performance.now() + startLimitMs;
  while (!hasExited()) {
    const found = await readPidFile(directory);
    if (found !== undefined && found.pid === child.pid && found.ready) return;
    if (performance.now() > limit) throw new Error(`not ready after ${startLimitMs} ms`);
    await delay(pollMs);
  }
  throw new Error("it ended while starting");
}

/** Asks for a fast shutdown, then for an immediate one; both keep what was committed. */
async function stopProcess(pid: number, hasEnded: () => Promise<boolean>): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (await hasEnded()) return;
    try {
      process.kill(pid, signal);
    } catch {
      return; // It has just ended.
    }
    const limit = performance.now() + stopLimitMs;
    while (performance.now() < limit) {
      if (await hasEnded()) return;
      await delay(pollMs);
    }
  }
  throw new Error(`PostgreSQL (process ${pid}) does not end`);
}

/** https://www.postgresql.org/docs/18/storage-file-layout.html: line 1 is the process, 4 the port, 8 the status. */
async function readPidFile(directory: string): Promise<{ pid: number; port: number; ready: boolean } | undefined> {
  const text = await readFile(path.join(directory, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number.parseInt(lines[0] ?? "", 10);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === "ready" };
}

async function openLogFile(file: string) {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxLogFileBytes) await rename(file, `${file}.1`);
  return { handle: await open(file, "a", 0o600), offset: size > maxLogFileBytes ? 0 : size };
}

async function tail(file: string, offset: number): Promise<string> {
  const text = (await readFile(file)).subarray(offset).toString("utf8").trim();
  return text === "" ? "it said nothing" : text.split("\n").slice(-10).join("\n");
}
