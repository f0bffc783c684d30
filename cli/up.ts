import { hostname } from "node:os";
import type { DescService } from "@bufbuild/protobuf";
import { envToConfig as gatewayConfig } from "../gateway/config.ts";
import { createNeeds } from "../gateway/needs.ts";
import { createThreadedPages } from "../gateway/pages/threaded-pages.ts";
import { startGateway, stopsWithinMs } from "../gateway/server.ts";
import { envToConfig as billingConfig } from "../services/billing/config.ts";
import { startBilling } from "../services/billing/server.ts";
import { envToConfig as historyConfig } from "../services/history/config.ts";
import { startHistory } from "../services/history/server.ts";
import { envToConfig as jobsConfig } from "../services/jobs/config.ts";
import { startJobs } from "../services/jobs/server.ts";
import { envToConfig as providerConfig } from "../services/provider-adapter/config.ts";
import { startProvider } from "../services/provider-adapter/server.ts";
import { envToConfig as routingConfig } from "../services/routing/config.ts";
import { startRouting } from "../services/routing/server.ts";
import { keepLease } from "../shared/keep-lease.ts";
import { type LaneHabits, laneHabits } from "../shared/lane-habits.ts";
import { tell } from "../shared/log-output.ts";
import { serveMetrics } from "../shared/metrics-server.ts";
import { createPacing } from "../shared/pace.ts";
import { createReadiness } from "../shared/readiness.ts";
import { createRequestCount } from "../shared/request-count.ts";
import { createRequestIdSource } from "../shared/request-id.ts";
import { createInProcessClient } from "../shared/rpc/index.ts";
import { runProcess } from "../shared/run-process.ts";
import type { RunningService } from "../shared/run-service.ts";
import { rpcSpans } from "../shared/telemetry/index.ts";
import { ensureDefaultAccount } from "./default-account.ts";
import { openGround } from "./ground.ts";
import { createPagesThread } from "./pages/pages-thread.ts";
import type { PagesThreadData } from "./pages/thread.ts";
import { assertPortFree } from "./port.ts";
import { firstModel, upstreamNames } from "./upstream-names.ts";
import { welcome } from "./welcome.ts";

/** Everything in one process, on an embedded PostgreSQL unless DATABASE_URL is set. Gives the exit code. */
export function up(): Promise<number> {
  return runProcess("throughline", async (process, onStop) => {
    const { telemetry, logFor } = process;
    const { host, port, metricsPort } = gatewayConfig(process.env);
    await assertPortFree(host, port);
    const watched = metricsPort === undefined ? undefined : await serveMetrics(metricsPort, telemetry);
    if (watched !== undefined) onStop("metrics", () => watched.stop());
    const ground = await openGround(process, onStop);
    const { env } = ground;

    const requests = createRequestCount();
    const pacing = createPacing({ requests });
    const parts = (name: string) => ({
      log: logFor(name),
      tracing: telemetry.tracer(name),
      metrics: telemetry.metrics,
    });
    const inProcess = <S extends DescService>(name: string, service: RunningService<S>, lanes: LaneHabits) => {
      const client = createInProcessClient(service.definition, {
        ...{ ...lanes, log: process.log, pacing },
        spans: telemetry.tracing ? rpcSpans(telemetry.tracer(name)) : undefined,
      });
      onStop(`client of ${service.definition.service.typeName}`, () => client.close());
      return client;
    };

    const routingService = await startRouting(routingConfig(env), parts("routing"));
    onStop("routing", () => routingService.stop());
    const routing = inProcess("routing", routingService, laneHabits.routing);
    const historyService = await startHistory(historyConfig(env), { ...parts("history"), pacing });
    onStop("history", () => historyService.stop());
    const history = inProcess("history", historyService, laneHabits.history);
    const view = gatewayConfig(env);
    const pagesData = {
      history: historyConfig(env),
      view: { idStyle: view.idStyle, traceUiUrl: view.traceUiUrl },
      logLevel: process.log.level as PagesThreadData["logLevel"],
      requests: requests.memory,
    };
    const pagesThread = createPagesThread(pagesData, process.log);
    onStop("thread of pages", () => pagesThread.stop());
    const billingService = await startBilling(billingConfig(env), { ...parts("billing"), history });
    onStop("billing", () => billingService.stop());
    const billing = inProcess("billing", billingService, laneHabits.billing);

    const ids = createRequestIdSource({});
    const lease = await keepLease(
      routing,
      ids,
      `up@${hostname()}:${globalThis.process.pid}:${Date.now()}`,
      process.log,
    );
    onStop("node lease", () => lease.stop());
    const providerService = await startProvider(providerConfig(env), {
      ...parts("provider-adapter"),
      routing,
      billing,
      history,
      ids,
      env,
    });
    onStop("provider-adapter", () => providerService.stop());
    const provider = inProcess("provider-adapter", providerService, laneHabits.provider);

    const jobsService = await startJobs(jobsConfig(env), { ...parts("jobs"), provider, billing, history, routing });
    onStop("jobs", () => jobsService.stop());
    const jobs = inProcess("jobs", jobsService, laneHabits.jobs);

    const key = await ensureDefaultAccount(billing, ground.keys);
    const services = {
      routing: routingService,
      billing: billingService,
      provider: providerService,
      history: historyService,
      jobs: jobsService,
    };
    const config = gatewayConfig(env);
    const gateway = await startGateway(config, {
      ...parts("gateway"),
      metricsFor: (accept) => telemetry.metricsFor(accept),
      routing,
      billing,
      provider,
      history,
      jobs,
      ids,
      pacing,
      watched,
      pages: (here) => createThreadedPages(here, pagesThread),
      standing: createNeeds(
        Object.fromEntries(
          Object.entries(services).map(([name, service]) => [name, createReadiness(() => service.ready())]),
        ),
      ),
    });
    onStop("gateway", () => gateway.stop(), stopsWithinMs(config) + 5_000);
    tell(welcome(gateway.url, ground.welcomeKeys(key.secret), await upstreamNames(routing), await firstModel(routing)));
  });
}
