import type { HistoryService } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Log } from "../../../shared/log.ts";
import type { Pacing } from "../../../shared/pace.ts";
import type { ServiceDefinition } from "../../../shared/rpc/index.ts";
import type { HistoryConfig } from "../config.ts";
import { createPageContext } from "../context.ts";
import { pagesDefinition } from "../rpc/index.ts";

/** The part of history that reads pages, without the rest. */
export interface RunningPages {
  readonly definition: ServiceDefinition<typeof HistoryService>;
  stop(): Promise<void>;
}

/** What it is told; plain data. */
export type PagesConfig = Pick<HistoryConfig, "databaseUrl" | "poolSize" | "partitionMs">;

/** Connections for shared values and cursors: both are asked for seldom. */
const otherConnections = 1;

/** Starts it on a database that a whole history has prepared. Nothing is connected before the first page. */
export function startPages(config: PagesConfig, deps: { log: Log; pacing: Pacing }): RunningPages {
  const context = createPageContext(config, deps, otherConnections);
  const { db, reader, planningReader } = context;
  return {
    definition: pagesDefinition(context),
    async stop() {
      await Promise.all([db, reader, planningReader].map((database) => database.close()));
    },
  };
}
