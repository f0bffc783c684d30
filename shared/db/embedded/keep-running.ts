import { setTimeout as delay } from "node:timers/promises";
import { type Postmaster, type PostmasterOptions, startPostmaster, stopOrphan } from "./postmaster.ts";

/** Time between two tries to start a server again. */
const retryMs = 2_000;

/**
 * Starts a server, and starts it again on the same port whenever it ends by itself (the system ran out of memory, say):
 * its clients connect anew, so what waits for the database goes on. It gives up only when it is stopped.
 */
export async function keepPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { directory, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const first = await startPostmaster(options);
  let current = first;

  async function startAgain(): Promise<void> {
    while (!signal.aborted) {
      try {
        await stopOrphan(directory, log);
        current = await startPostmaster({ ...options, port: first.port });
        log.warn({ pid: current.pid, port: current.port }, "the embedded PostgreSQL was started again");
        return;
      } catch (error) {
        log.error({ err: error }, "the embedded PostgreSQL could not be started again");
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await current.ended;
      await startAgain();
    }
  }

  const keeping = keep();
  let stopped: Promise<void> | undefined;

  async function stop(): Promise<void> {
    stopping.abort();
    await current.stop();
    // A start that was under way has ended by then.
    await keeping;
    await current.stop();
  }

  return {
    pid: first.pid,
    port: first.port,
    ended: keeping,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
