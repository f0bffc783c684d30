import { takesWrites } from "../../shared/db/index.ts";
import type { JobsService } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { RunningService } from "../../shared/run-service.ts";
import { startLines } from "./batches/lines.ts";
import type { JobsConfig } from "./config.ts";
import type { JobsContext, JobsDeps } from "./context.ts";
import { startCopies } from "./copies/copies.ts";
import { openDatabase } from "./db/open.ts";
import { createObjectStore } from "./objects/store.ts";
import { jobsDefinition } from "./rpc/index.ts";
import { startCalls } from "./runner/calls.ts";
import { startFigures } from "./runner/figures.ts";
import { startUpkeep } from "./runner/upkeep.ts";
import { startWorker } from "./runner/worker.ts";
import { startVendorBatches } from "./vendor-batches/worker.ts";
import { startChannelWatch } from "./webhooks/channel-watch.ts";
import { openWebhooks } from "./webhooks/open.ts";
import { createVendorCallbacks } from "./webhooks/vendor-callbacks.ts";

/** Starts jobs: schema, methods, the worker that follows jobs, upkeep. */
export async function startJobs(config: JobsConfig, deps: JobsDeps): Promise<RunningService<typeof JobsService>> {
  const { databaseUrl: url, poolSize: maxConnections, migrate } = config;
  const db = await openDatabase({ url, maxConnections, migrate, log: deps.log });
  const objects = createObjectStore(db, config.objects, deps.log);
  const webhooks = await openWebhooks(config.webhooks, deps, db);
  const context: JobsContext = {
    ...deps,
    ...webhooks.context,
    callbacks: createVendorCallbacks(db, config, deps.metrics),
    config,
    db,
    objects,
    random: Math.random,
  };
  const worker = startWorker(context);
  const calls = startCalls(context, worker.wake);
  const upkeep = startUpkeep(context);
  const lines = startLines(context);
  const vendorBatches = startVendorBatches(context, lines);
  const copies = startCopies(context);
  const figures = startFigures(context);
  const channels = startChannelWatch(context);
  const unobserve = deps.metrics.observe("jobs_running", () => worker.running + calls.running + lines.running, "jobs");
  return {
    definition: jobsDefinition(context, { worker, calls, lines, vendorBatches }),
    ready: () => takesWrites(db),
    async stop() {
      unobserve();
      // The worker settles the results of calls, so it stops after them.
      await vendorBatches.stop();
      await Promise.all([calls.stop(), lines.stop(), copies.stop()]);
      await Promise.all([worker.stop(), upkeep.stop(), webhooks.stop(), figures.stop(), channels.stop()]);
      await db.close();
    },
  };
}
