import type { DescService } from "@bufbuild/protobuf";
import { envToConfig as gatewayConfig } from "../../gateway/config.ts";
import { startGateway } from "../../gateway/server.ts";
import { envToConfig as billingConfig } from "../../services/billing/config.ts";
import { startBilling } from "../../services/billing/server.ts";
import { envToConfig as historyConfig } from "../../services/history/config.ts";
import { startHistory } from "../../services/history/server.ts";
import { envToConfig as providerConfig } from "../../services/provider-adapter/config.ts";
import { startProvider } from "../../services/provider-adapter/server.ts";
import { envToConfig as routingConfig } from "../../services/routing/config.ts";
import { startRouting } from "../../services/routing/server.ts";
import { testPostgres } from "../../shared/db/testing.ts";
import { type BillingService, KeyKind } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { StoreResponse } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { JobsService } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { keepLease } from "../../shared/keep-lease.ts";
import { type LaneHabits, laneHabits } from "../../shared/lane-habits.ts";
import { createLog } from "../../shared/log.ts";
import { nanoUsdPerUsd } from "../../shared/money/usd.ts";
import { createRequestIdSource } from "../../shared/request-id.ts";
import {
  createGrpcClient,
  type ServiceClient,
  type ServiceDefinition,
  startGrpcServer,
} from "../../shared/rpc/index.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";
import { createGate, type Gate } from "./gate.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { watchedService } from "./watched-service.ts";

/** The whole platform in this process. */
export interface House extends AsyncDisposable {
  /** Port of the edge. */
  readonly port: number;
  readonly databasePort: number;
  readonly upstream: Upstream;
  /** Before the gateway's calls. */
  readonly gate: Gate;
  /** Names of the calls that the services took, e.g. "Billing.Reserve". */
  readonly taken: readonly string[];
  /** Lines of the log. */
  readonly lines: readonly string[];
  /** Names of the spans that have ended. */
  spans(): Promise<string[]>;
  /** Asks for a chat completion with the key of an account of that kind. */
  chat(body: string, account?: Account): Promise<Response>;
  /** Runs what sends so many requests, until each has its record and its line in the log. */
  until(requests: number, work: () => Promise<void>): Promise<void>;
}

/** Accounts by what history keeps of their answers. */
const accounts = {
  keeping: { secret: "tl-guard-keeping-0123456789", storeResponse: StoreResponse.FULL },
  forgetting: { secret: "tl-guard-forgetting-0123456789", storeResponse: StoreResponse.NONE },
};
/** An account of the house. */
export type Account = keyof typeof accounts;

/** Longer than any test: what timers begin must not come between two counts. */
const neverMs = 3_600_000;

/**
 * Starts it: the gateway and the four services over gRPC, as `mesh` composes them, but in one process, where all that they
 * do can be counted.
 *
 * @param answer what the upstream answers where no stream is asked.
 */
export async function startHouse(answer: string): Promise<House> {
  await using undo = new AsyncDisposableStack();
  const postgres = undo.use(await testPostgres());
  const upstream = await startUpstream(answer);
  undo.defer(() => upstream.stop());
  const env = environment(postgres.url, upstream.url);
  const ending = countEndings();
  const lines: string[] = [];
  const write = (line: string) => {
    lines.push(line);
    if (line.includes('"msg":"request"')) ending.answered();
  };
  const log = createLog({ service: "guard", destination: { write } });
  const telemetry = createTestTelemetry();
  undo.defer(() => telemetry.shutdown());
  const parts = (name: string) => ({ log, tracing: telemetry.tracer(name), metrics: telemetry.metrics });
  const taken: string[] = [];

  /** Serves a service and gives a client of it. */
  async function serve<S extends DescService>(definition: ServiceDefinition<S>, lanes: LaneHabits) {
    const watched = watchedService(definition, (call) => taken.push(call));
    const server = await startGrpcServer([watched], { host: "127.0.0.1", port: 0, log });
    undo.defer(() => server.close(1_000));
    const target = `dns:///127.0.0.1:${server.port}`;
    const client = createGrpcClient(definition.service, { ...lanes, target, laneMaxAgeMs: 100 * neverMs });
    undo.defer(() => client.close());
    await client.ready(10_000);
    return client;
  }

  const routingService = await startRouting(routingConfig(env), parts("routing"));
  undo.defer(() => routingService.stop());
  const routing = await serve(routingService.definition, laneHabits.routing);
  const historyService = await startHistory(historyConfig(env), parts("history"));
  undo.defer(() => historyService.stop());
  const history = await serve(historyService.definition, laneHabits.history);
  const billingService = await startBilling(billingConfig(env), { ...parts("billing"), history });
  undo.defer(() => billingService.stop());
  const billing = await serve(billingService.definition, laneHabits.billing);
  const ids = createRequestIdSource({});
  const lease = await keepLease(routing, ids, "guard", log);
  undo.defer(() => lease.stop());
  const providerService = await startProvider(
    { ...providerConfig(env), channelPollMs: neverMs, reportMs: neverMs },
    { ...parts("provider-adapter"), routing, billing, history, ids, env },
  );
  undo.defer(() => providerService.stop());
  const provider = await serve(providerService.definition, laneHabits.provider);
  for (const account of Object.keys(accounts) as Account[]) await openAccount(billing, account);

  // No request that is counted here begins a job.
  const jobs = createGrpcClient(JobsService, { ...laneHabits.jobs, target: "dns:///127.0.0.1:1" });
  undo.defer(() => jobs.close());
  const gate = createGate();
  const gateway = await startGateway(
    {
      ...gatewayConfig(env),
      ...{ keyCacheMs: neverMs, processingAfterMs: neverMs, extendEveryMs: neverMs, configurationLookMs: neverMs },
    },
    {
      ...parts("gateway"),
      metricsFor: (accept) => telemetry.metricsFor(accept),
      routing: { ...routing, resolve: gate.guard(routing.resolve) },
      billing: { ...billing, reserve: gate.guard(billing.reserve), settle: gate.guard(billing.settle) },
      provider,
      history: { ...history, record: gate.guard(history.record, ending.recorded) },
      jobs,
      ids,
      standing: async () => ({ missing: [], away: [] }),
    },
  );
  undo.defer(() => gateway.stop());
  const house = undo.move();
  return {
    port: Number(new URL(gateway.url).port),
    databasePort: Number(new URL(postgres.url).port),
    upstream,
    gate,
    taken,
    lines,
    spans: async () => (await telemetry.spans()).map(({ name }) => name),
    chat: (body, account = "keeping") =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${accounts[account].secret}`, "content-type": "application/json" },
        body,
      }),
    async until(requests, work) {
      const ended = ending.of(requests);
      await work();
      await ended;
    },
    [Symbol.asyncDispose]: () => house.disposeAsync(),
  };
}

/** What would come by itself comes as seldom as the configuration allows. */
function environment(databaseUrl: string, upstreamUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    KEY_PEPPER: "a pepper for the guard",
    OPENAI_API_KEY: "sk-guard",
    OPENAI_BASE_URL: upstreamUrl,
    MODEL_LIST_EVERY_MS: "0",
    PORT: "0",
    SHUTDOWN_GRACE_MS: "5s",
    RESERVATION_TTL_MS: "1h",
    SWEEP_INTERVAL_MS: "60s",
    RECONCILE_INTERVAL_MS: "600s",
    ROUTING_POLL_MS: "60s",
  };
}

/** Tells when requests have both their line in the log and their record. */
function countEndings() {
  let answered = 0;
  let recorded = 0;
  let awaited = { requests: 0, done: () => {} };
  const look = () => {
    if (Math.min(answered, recorded) === awaited.requests) awaited.done();
  };
  return {
    answered() {
      answered += 1;
      look();
    },
    recorded() {
      recorded += 1;
      look();
    },
    of: (requests: number) =>
      new Promise<void>((done) => {
        awaited = { requests: Math.min(answered, recorded) + requests, done };
      }),
  };
}

async function openAccount(billing: ServiceClient<typeof BillingService>, name: Account): Promise<void> {
  const options = { timeoutMs: 10_000 };
  const { secret, storeResponse } = accounts[name];
  const { account } = await billing.createAccount({ account: { name, storeResponse } }, options);
  const accountId = account?.accountId ?? 0n;
  const amountNanoUsd = 1_000n * nanoUsdPerUsd;
  await billing.addCredit({ accountId, amountNanoUsd, actor: "guard", reason: "start" }, options);
  await billing.createKey({ key: { accountId, name, kind: KeyKind.API, scopes: ["*"] }, secret }, options);
}
