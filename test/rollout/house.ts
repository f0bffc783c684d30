import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDefaultAccount } from "../../cli/default-account.ts";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { createDatabase, type Database, startEmbeddedPostgres } from "../../shared/db/index.ts";
import { silentLog } from "../../shared/db/testing.ts";
import { BillingService } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createLog } from "../../shared/log.ts";
import { createGrpcClient } from "../../shared/rpc/index.ts";
import { startBalancer } from "./balancer.ts";
import { serveNames } from "./names.ts";
import { createPods, type Pod, type PodOptions, type Role, roles } from "./pods.ts";

/** The first keys of the house. */
export const houseKey = "tl-rollout-0123456789abcdef";
export const houseAdminKey = "tl-cli-rollout-0123456789abcdef";

/** How processes know each other: as a client of gRPC is told. */
type Callers = Pick<Parameters<typeof createGrpcClient>[1], "tls" | "secret">;

/** Six Deployments of some pods each, behind a balancer and a name server, on a PostgreSQL and an upstream of their own. */
export interface House extends AsyncDisposable {
  /** Address of the balancer, which clients call. */
  readonly url: string;
  readonly simulator: Simulator;
  readonly db: Database<unknown>;
  /** Pods whose addresses are told. */
  readonly serving: Record<Role, Pod[]>;
  /** Starts a pod and tells its address when it is ready. */
  add(role: Role): Promise<void>;
  /** Tells the addresses of a role as they are now in `serving`. */
  publish(role: Role): void;
}

/** What makes one house differ from another. */
export interface HouseOptions {
  readonly replicas: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** The first of 60 that pods take in turn. */
  readonly firstMetricsPort: number;
  /** More environment of each pod. */
  readonly env: Readonly<Record<string, string>>;
  readonly callers: Callers;
  readonly pods?: PodOptions;
}

/** Starts it: first one pod of each role, one after the other, then the others. */
export async function startHouse(options: HouseOptions): Promise<House> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "throughline-house-"));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({
    dataDir: join(folder, "postgres"),
    log: createLog({ service: "postgres", level: "warn" }),
  });
  undo.defer(() => postgres.stop());
  const db = createDatabase<unknown>({
    ...{ url: postgres.url, schema: "public", maxConnections: 2, applicationName: "rollout", log: silentLog },
  });
  undo.defer(() => db.close());
  const simulator = await createSimulator({});
  undo.defer(() => simulator.close());
  const names = await serveNames();
  undo.defer(() => names.close());
  const balancer = await startBalancer();
  undo.defer(() => balancer.close());
  const ports = { grpc: options.grpcPort, http: options.httpPort, firstMetrics: options.firstMetricsPort };
  const pods = createPods(ports, options.pods);
  undo.defer(() => pods.killAll());

  const upstream = `${simulator.url}/v1`;
  const env = {
    PATH: process.env.PATH ?? "",
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
    GRPC_NODE_USE_ALTERNATIVE_RESOLVER: "true",
    KEY_PEPPER: Buffer.alloc(32, 7).toString("base64"),
    CREDENTIAL_KEY: Buffer.alloc(32, 9).toString("base64"),
    DATABASE_URL: postgres.url,
    SIMULATOR_URL: upstream,
    OPENAI_API_KEY: "sk-of-the-upstream",
    OPENAI_BASE_URL: upstream,
    MODEL_LIST_EVERY_MS: "0",
    LOG_LEVEL: "warn",
    ...Object.fromEntries(
      roles.map((role) => [`${role.toUpperCase()}_TARGET`, `dns://127.0.0.1:${names.port}/${role}:${ports.grpc}`]),
    ),
    ...options.env,
  };

  const serving: Record<Role, Pod[]> = { routing: [], history: [], billing: [], provider: [], jobs: [], gateway: [] };
  function publish(role: Role): void {
    const hosts = serving[role].map(({ host }) => host);
    names.set(role, hosts);
    if (role === "gateway") balancer.set(hosts.map((host) => ({ host, port: ports.http })));
  }
  async function add(role: Role): Promise<void> {
    serving[role].push(await pods.start(role, env));
    publish(role);
  }

  for (const role of roles) {
    await add(role);
    if (role !== "billing") continue;
    const [pod] = serving.billing;
    const billing = createGrpcClient(BillingService, { target: `${pod?.host}:${ports.grpc}`, ...options.callers });
    await ensureDefaultAccount(billing, { secret: houseKey, adminSecret: houseAdminKey, dataFolder: undefined });
    await billing.close();
  }
  for (let i = 1; i < options.replicas; i++) await Promise.all(roles.map(add));
  const held = undo.move();
  return { url: balancer.url, simulator, db, serving, add, publish, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
