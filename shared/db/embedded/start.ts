import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chown, mkdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { DatabaseLog } from "../database-log.ts";
import { findBinaries } from "./binaries.ts";
import { keepPostmaster } from "./keep-running.ts";
import { claim } from "./ownership.ts";
import { findRunningPort, stopOrphan } from "./postmaster.ts";
import { ensureServicesRole, servicesRole } from "./services-role.ts";
import { embeddedSettings } from "./settings.ts";
import { createLauncher, type Launcher } from "./system-user.ts";

/** A PostgreSQL server of our own. */
export interface EmbeddedPostgres {
  /** Address for the services: their user owns what they make, and has no rights beyond. */
  readonly url: string;
  /** Address of the superuser, for tests and tools. */
  readonly superuserUrl: string;
  readonly port: number;
  /** Process ID of the server's first run. A server that ends by itself is started again on the same port. */
  readonly pid: number;
  /** Stops the server in an orderly way and gives the data directory free. A second call waits for the first. */
  stop(): Promise<void>;
}

/** Options of `startEmbeddedPostgres`. */
export interface EmbeddedPostgresOptions {
  /** Directory of ours; the server's files lie in `postgres` under it, its passwords (0600) and log beside that. */
  readonly dataDir: string;
  readonly log: DatabaseLog;
  /** Settings of the server over `embeddedSettings`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A user of the server, and the file of its password. */
interface User {
  readonly userName: string;
  readonly passwordFile: string;
}

const superuser: User = { userName: "throughline", passwordFile: "postgres.password" };
const services: User = { userName: servicesRole, passwordFile: "postgres.services-password" };
const databaseName = "postgres";

/**
 * Starts PostgreSQL on a free port of 127.0.0.1, on the data of the last start or on new data. What a crash left behind
 * is cleaned up: a server still running is stopped, its lock file removed; should this process die, the server is shut
 * down by a watchdog. Throws when another living process uses the same directory.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log } = options;
  const startedMs = performance.now();
  // Root's is open for passing through, so that the user `postgres` reaches its own directory in it.
  await mkdir(options.dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  const dataDir = await realpath(options.dataDir);
  const directory = path.join(dataDir, "postgres");
  const release = await claim(path.join(dataDir, "postgres.owner"));
  try {
    const binaries = await findBinaries();
    const launcher = await createLauncher([directory, binaries.postgres]);
    const isNew = !(await exists(path.join(directory, "PG_VERSION")));
    const password = await (isNew ? newPassword(dataDir, superuser) : readPassword(dataDir, superuser));
    if (isNew) await initialise(binaries.initdb, { dataDir, directory, launcher, password });
    await stopOrphan(directory, log);
    const postmaster = await keepPostmaster({
      program: binaries.postgres,
      directory,
      launcher,
      settings: { ...embeddedSettings, ...options.settings },
      logFile: path.join(dataDir, "postgres.log"),
      log,
    });
    const { port, pid } = postmaster;
    const superuserUrl = addressOf(port, superuser, password);
    let url: string;
    try {
      url = addressOf(port, services, await openServicesRole(dataDir, superuserUrl));
    } catch (error) {
      await postmaster.stop();
      throw error;
    }
    log.info({ port, pid, isNew, startMs: Math.round(performance.now() - startedMs) }, "embedded PostgreSQL started");
    return {
      url,
      superuserUrl,
      port,
      pid,
      stop: () => postmaster.stop().finally(release),
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The address of the server that now runs on this directory, for tools beside it; undefined when none runs. */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const directory = path.join(path.resolve(dataDir), "postgres");
  const port = await findRunningPort(await realpath(directory).catch(() => directory));
  if (port === undefined) return undefined;
  return addressOf(port, services, await readPassword(dataDir, services));
}

/** Gives the password of the services' user, which is made where there is none: in folders of older versions too. */
async function openServicesRole(dataDir: string, superuserUrl: string): Promise<string> {
  const isNew = !(await exists(path.join(dataDir, services.passwordFile)));
  const password = await (isNew ? newPassword(dataDir, services) : readPassword(dataDir, services));
  await ensureServicesRole(superuserUrl, isNew ? password : undefined);
  return password;
}

function addressOf(port: number, { userName }: User, password: string): string {
  return `postgres://${userName}:${password}@127.0.0.1:${port}/${databaseName}`;
}

interface Cluster {
  readonly dataDir: string;
  readonly directory: string;
  readonly launcher: Launcher;
  readonly password: string;
}

/** Creates the data directory under another name first, so that a half-made one is never taken for a whole one. */
async function initialise(program: string, { dataDir, directory, launcher, password }: Cluster): Promise<void> {
  const draft = `${directory}.new`;
  const passwordFile = path.join(dataDir, "postgres.initdb-password");
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (launcher.owner !== undefined) {
      const { uid, gid } = launcher.owner;
      await chown(draft, uid, gid);
      await chown(passwordFile, uid, gid);
    }
    await runInitdb(program, launcher, [
      `--pgdata=${draft}`,
      `--username=${superuser.userName}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // Order by code point, the same on every machine and at the speed of memcmp, with Unicode-aware upper and lower.
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
    ]);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(draft, directory);
}

async function runInitdb(program: string, launcher: Launcher, words: readonly string[]): Promise<void> {
  const { file, args, ...user } = launcher.command(program, words);
  const child = spawn(file, args, {
    ...user,
    cwd: "/",
    env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`initdb failed: ${said.trim()}`);
}

async function newPassword(dataDir: string, { passwordFile }: User): Promise<string> {
  const password = randomBytes(24).toString("base64url");
  const file = path.join(dataDir, passwordFile);
  await rm(file, { force: true });
  await writeFile(file, password, { mode: 0o600, flush: true });
  return password;
}

async function readPassword(dataDir: string, { passwordFile }: User): Promise<string> {
  const file = path.join(dataDir, passwordFile);
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    throw new Error(`The password of the embedded PostgreSQL is missing (${file})`, { cause });
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
