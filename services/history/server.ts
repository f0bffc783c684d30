import { migrate, takesWrites } from "../../shared/db/index.ts";
import type { HistoryService } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { ServiceDefinition } from "../../shared/rpc/index.ts";
import type { RunningService } from "../../shared/run-service.ts";
import type { HistoryConfig } from "./config.ts";
import { createContext, type HistoryContext, type HistoryDeps, openUpkeep } from "./context.ts";
import { migrations } from "./db/migrations/index.ts";
import { startIndexes } from "./jobs/indexes.ts";
import { startMaintenance } from "./jobs/maintenance.ts";
import { historyDefinition } from "./rpc/index.ts";
import { createRecordGatherer } from "./rpc/record.ts";

/** History, running. */
export interface RunningHistory extends RunningService {
  readonly definition: ServiceDefinition<typeof HistoryService>;
  /** What its methods work with. */
  readonly context: HistoryContext;
}

/** Starts history: schema, partitions, methods, maintenance. */
export async function startHistory(
  config: HistoryConfig,
  deps: HistoryDeps,
  overrides: Partial<HistoryContext> = {},
): Promise<RunningHistory> {
  if (config.migrate) await migrate(config.databaseUrl, { schema: "history", migrations, log: deps.log });
  const context = createContext(config, deps, overrides);
  const upkeep = openUpkeep(config, deps.log);
  const maintenance = await startMaintenance({ ...context, db: upkeep }, config);
  const indexes = startIndexes(context, config);
  const records = createRecordGatherer(context, { maxBytes: config.pendingBytes, lingerMs: config.lingerMs });
  const stopObserving = deps.metrics.observe("history_backlog", () => records.waiting);
  return {
    definition: historyDefinition(context, records),
    context,
    ready: () => takesWrites(context.db),
    async stop() {
      await records.drained();
      stopObserving();
      await Promise.all([maintenance.stop(), indexes.stop()]);
      await context.customResponses.stop();
      const { db, reader, planningReader, summingReader } = context;
      await Promise.all([db, reader, planningReader, summingReader, upkeep].map((database) => database.close()));
    },
  };
}
