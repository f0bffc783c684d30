import { completeIndexes, createDatabase, hasWholeIndexes } from "../../../shared/db/index.ts";
import type { HistoryConfig } from "../config.ts";
import type { HistoryContext } from "../context.ts";

/** Indexes that are being completed. */
export interface IndexCompletion {
  /** Stops it; what was not finished is made at the next start. */
  stop(): Promise<void>;
}

/** An index of twenty million records takes a minute or two, and waits for transactions that began before. */
const longestMs = 6 * 3_600_000;
const againMs = 10 * 60_000;

/** Gives partitions of before the indexes that came after them, one after the other, while all goes on. Replicas leave it to one. */
export function startIndexes({ db, log }: Pick<HistoryContext, "db" | "log">, config: HistoryConfig): IndexCompletion {
  const stopping = new AbortController();

  async function complete(): Promise<void> {
    if (await hasWholeIndexes(db, "history.record")) return;
    const own = createDatabase<unknown>({
      ...{ url: config.databaseUrl, schema: "history", applicationName: "history indexes", maxConnections: 2, log },
      ...{ statementTimeoutMs: longestMs, lockTimeoutMs: longestMs },
    });
    const startMs = performance.now();
    try {
      log.info({}, "indexes of older partitions are being made");
      const whole = await completeIndexes(own, "history.record", stopping.signal);
      const ms = Math.round(performance.now() - startMs);
      if (whole) log.info({ ms }, "indexes of older partitions are made");
    } finally {
      await own.close();
    }
  }

  const run = (): Promise<void> =>
    complete().catch((error: unknown) => {
      if (!stopping.signal.aborted) log.warn({ err: error }, "an index could not be made; it is tried again");
    });
  let running = run();
  const timer = setInterval(() => {
    running = running.then(run);
  }, againMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}
