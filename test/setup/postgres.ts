import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { envOptional, readEnv } from "../../shared/config.ts";
import { startOfProcess } from "../../shared/db/embedded/process-identity.ts";
import { throwawaySettings } from "../../shared/db/embedded/settings.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../shared/db/embedded/start.ts";

/**
 * Global set-up of vitest: one PostgreSQL server for the whole run. It runs in the main process and only listens on a
 * socket; the first suite that asks has the server started, all others are told the same address. It is stopped after
 * the last suite, and by its watchdog should this process be killed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const givenUrl = envOptional(readEnv(), "TEST_DATABASE_URL");
  await sweep();
  const directory = await mkdtemp(path.join(tmpdir(), `${prefix}${process.pid}-`));
  let server: Promise<EmbeddedPostgres> | undefined;

  async function serverUrl(): Promise<string> {
    if (givenUrl !== undefined) return givenUrl;
    server ??= startEmbeddedPostgres({
      dataDir: path.join(directory, "data"),
      log: quietLog,
      settings: throwawaySettings,
    });
    return (await server).superuserUrl;
  }

  const broker = createServer((socket) => {
    socket.on("error", () => undefined); // A worker that was killed while it waited.
    serverUrl().then(
      (url) => socket.end(JSON.stringify({ url })),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    );
  });
  const socketPath = path.join(directory, "broker.sock");
  await new Promise<void>((resolve, reject) => {
    broker.once("error", reject);
    broker.listen(socketPath, resolve);
  });
  project.provide("testPostgresSocket", socketPath);

  return async () => {
    broker.close();
    await (await server?.catch(() => undefined))?.stop();
    await rm(directory, { recursive: true, force: true });
  };
}

const prefix = "throughline-test-";

/** Removes what runs that were killed left behind; the number in the name is the process that owned it. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (Number.isNaN(pid) || (await startOfProcess(pid)) !== undefined) continue;
    await rm(path.join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

const quietLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields: object, message: string) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
};
