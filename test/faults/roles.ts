import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDefaultAccount } from "../../cli/default-account.ts";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { createDatabase, type Database } from "../../shared/db/index.ts";
import { silentLog, testPostgres } from "../../shared/db/testing.ts";
import { freePorts } from "../../shared/free-ports.ts";
import { BillingService } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createGrpcClient } from "../../shared/rpc/index.ts";
import { adminKey } from "../e2e/administration.ts";
import { bootstrapKey, eventually } from "../e2e/deployment.ts";
import { type Direction, type Gate, startGate } from "./gate.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = join(root, "node_modules/.bin/node");

const files = {
  routing: "services/routing/main.ts",
  history: "services/history/main.ts",
  billing: "services/billing/main.ts",
  provider: "services/provider-adapter/main.ts",
  jobs: "services/jobs/main.ts",
  gateway: "gateway/main.ts",
} as const;
/** One of the six processes. */
export type Role = keyof typeof files;
type Service = Exclude<Role, "gateway">;
const services = ["routing", "history", "billing", "provider", "jobs"] as const;
const withDatabase: readonly Role[] = ["routing", "billing", "history", "jobs"];

/** What has a gate before it: a service, the database, and the upstream, which the provider calls. */
export type Place = Service | "database" | "upstream";

/** Six processes on this machine, each with a gate before every service that it calls, and one before the database. */
export interface Roles extends AsyncDisposable {
  readonly url: string;
  readonly simulator: Simulator;
  readonly db: Database<unknown>;
  /** The gate on the way from one process to another place. */
  gate(from: Role, to: Place): Gate;
  /** What a second process of a role is started with. */
  envOf(role: Role, more: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** Lets pass what waits anywhere. */
  openAll(): void;
  /** kill -9; resolves when the process is gone. */
  kill(...roles: readonly Role[]): Promise<void>;
  /** Starts it again and waits until the platform is ready. */
  start(roles: readonly Role[], env?: Readonly<Record<string, string>>): Promise<void>;
  call(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

/** Where they keep their data, and who is told of what passes between them. */
export interface RolesOptions {
  /** An existing database; otherwise a fresh one. */
  readonly databaseUrl?: string;
  /** Is told of each piece that passes a gate; true stops it there. */
  readonly watch?: (from: Role, to: Place, direction: Direction) => boolean;
}

/** Starts them. */
export async function startRoles(
  env: Readonly<Record<string, string>> = {},
  { databaseUrl, watch = () => false }: RolesOptions = {},
): Promise<Roles> {
  await using undo = new AsyncDisposableStack();
  const dataUrl = databaseUrl ?? undo.use(await testPostgres()).url;
  const db = createDatabase<unknown>({
    ...{ url: dataUrl, schema: "public", maxConnections: 2, applicationName: "faults", log: silentLog },
  });
  undo.defer(() => db.close());
  const simulator = await createSimulator({});
  undo.defer(() => simulator.close());
  const [edge = 0, ...ports] = await freePorts(services.length + 1);
  const portOf = Object.fromEntries(services.map((service, i) => [service, ports[i] ?? 0])) as Record<Service, number>;

  const gates = new Map<string, Gate>();
  const addGate = async (from: Role, to: Place, port: number) => {
    const gate = await startGate(port, (direction) => watch(from, to, direction));
    undo.defer(() => gate.close());
    gates.set(`${from} ${to}`, gate);
    return gate.port;
  };
  const url = `http://127.0.0.1:${edge}`;
  const upstream = `http://127.0.0.1:${await addGate("provider", "upstream", Number(new URL(simulator.url).port))}/v1`;
  const common = {
    PATH: process.env.PATH ?? "",
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
    GRPC_HOST: "127.0.0.1",
    GRPC_SECRET: "a-secret-of-this-test-0123456789abcdef",
    KEY_PEPPER: Buffer.alloc(32, 7).toString("base64"),
    CREDENTIAL_KEY: Buffer.alloc(32, 9).toString("base64"),
    SIMULATOR_URL: upstream,
    OPENAI_API_KEY: "sk-of-the-upstream",
    OPENAI_BASE_URL: upstream,
    MODEL_LIST_EVERY_MS: "0",
    SHUTDOWN_GRACE_MS: "5s",
    LOG_LEVEL: "warn",
    PORT: String(edge),
    ...env,
  };
  const envOf = {} as Record<Role, Record<string, string>>;
  for (const role of Object.keys(files) as Role[]) {
    const own: Record<string, string> = { ...common };
    for (const service of services) {
      if (service === role) continue;
      own[`${service.toUpperCase()}_TARGET`] = `dns:///127.0.0.1:${await addGate(role, service, portOf[service])}`;
    }
    if (role !== "gateway") own.GRPC_PORT = String(portOf[role]);
    if (withDatabase.includes(role)) {
      const database = new URL(dataUrl);
      database.port = String(await addGate(role, "database", Number(database.port)));
      own.DATABASE_URL = database.href;
    }
    envOf[role] = own;
  }

  const children = new Map<Role, ChildProcess>();
  const kill = async (role: Role) => {
    const child = children.get(role);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  const spawnRole = (role: Role, more: Readonly<Record<string, string>>) => {
    const child = spawn(node, [join(root, files[role])], {
      env: { ...envOf[role], ...more },
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.set(role, child);
    // As a supervisor does: one that ends by itself, because the database is not there yet, is started again.
    child.once("exit", (code) => {
      if (code === null || children.get(role) !== child) return;
      setTimeout(() => children.get(role) === child && spawnRole(role, more), 200).unref();
    });
  };
  const ready = () =>
    eventually(async () => {
      const response = await fetch(`${url}/readyz`).catch(() => undefined);
      return response?.ok ? true : undefined;
    }, 60_000);
  undo.defer(async () => {
    for (const role of [...children.keys()]) {
      await kill(role);
      children.delete(role);
    }
  });

  for (const role of Object.keys(files) as Role[]) spawnRole(role, {});
  const billing = createGrpcClient(BillingService, {
    target: `127.0.0.1:${portOf.billing}`,
    secret: common.GRPC_SECRET,
  });
  undo.defer(() => billing.close());
  await eventually(async () => {
    const given = { secret: bootstrapKey, adminSecret: adminKey, dataFolder: undefined };
    return await ensureDefaultAccount(billing, given).catch(() => undefined);
  }, 60_000);
  await ready();

  const held = undo.move();
  return {
    url,
    simulator,
    db,
    gate(from, to) {
      const gate = gates.get(`${from} ${to}`);
      if (gate === undefined) throw new Error(`there is no way from ${from} to ${to}`);
      return gate;
    },
    envOf: (role, more) => ({ ...envOf[role], ...more }),
    openAll() {
      for (const gate of gates.values()) gate.open();
    },
    async kill(...roles) {
      await Promise.all(roles.map(kill));
    },
    async start(roles, more = {}) {
      for (const role of roles) spawnRole(role, more);
      await ready();
    },
    call: (path, body, headers = {}) =>
      fetch(url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${bootstrapKey}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
