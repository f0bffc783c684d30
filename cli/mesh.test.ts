import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { startReplica } from "../services/billing/testing.ts";
import { startOfProcess } from "../shared/db/embedded/process-identity.ts";
import { testPostgres } from "../shared/db/testing.ts";
import { BillingService } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createGrpcClient } from "../shared/rpc/index.ts";
import type { Role } from "./role-env.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const key = "tl-mesh-0123456789abcdef";
/** Secrets that a user's environment brings along; the last is of a channel in a file. */
const planted = {
  VALKEY_URL: "",
  OPENAI_API_KEY: "planted-openai-key",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=planted-collector-token",
  PGPASSWORD: "planted-database-password",
  THROUGHLINE_ADMIN_KEY: "tl-planted-administration-key",
  MY_OWN_UPSTREAM: "planted-upstream-key",
};

/** Six processes and the one that keeps them, in a process group of their own, which stands for the terminal's. */
interface Mesh extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly url: string;
  readonly databaseUrl: string;
  /** What it has printed. */
  out(): string;
  /** Process IDs, that of routing first. */
  processes(): Promise<number[]>;
}

/** A mesh takes six seconds of CPU to start, so one serves for all that does not end it. */
async function startMesh(): Promise<Mesh> {
  await using undo = new AsyncDisposableStack();
  const database = undo.use(await testPostgres());
  const folder = await mkdtemp(join(tmpdir(), "throughline-mesh-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  let out = "";
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), "mesh"], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      THROUGHLINE_DATA: folder,
      THROUGHLINE_BOOTSTRAP_KEY: key,
      DATABASE_URL: database.url,
      PORT: "0",
      LOG_LEVEL: "warn",
      ...planted,
    },
  });
  undo.defer(async () => void child.kill("SIGKILL"));
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      out += data.toString();
    });
  }
  const url = await vi.waitFor(
    () => {
      const [, address] = /Base URL {3}(\S+)\/v1/.exec(out) ?? [];
      if (address === undefined) throw new Error(`not ready: ${out}`);
      return address;
    },
    { timeout: 60_000, interval: 50 },
  );
  const held = undo.move();
  return {
    child,
    folder,
    url,
    databaseUrl: database.url,
    out: () => out,
    processes: async () =>
      Object.values(JSON.parse(await readFile(join(folder, "mesh.json"), "utf8")) as Record<string, number>),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** A stream that runs while the mesh is told to stop comes to its end, and is charged and recorded. */
async function expectWholeStream(mesh: Mesh, signal: () => Promise<void>): Promise<void> {
  const before = mesh.out().length;
  const exited = once(mesh.child, "exit");
  const response = await fetch(`${mesh.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "sim-slow-chunks-200",
      stream: true,
      max_tokens: 10,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  await signal();
  expect(await response.text()).toContain("[DONE]");
  expect(await exited).toEqual([0, null]);
  const said = mesh.out().slice(before);
  expect(said).not.toContain("starting it again");
  // Its charge was made and recorded: nothing of it was left to the reconciler.
  expect(said).not.toContain('"level":"error"');
}

describe("the mesh in a terminal", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    mesh = await startMesh();
  }, 90_000);
  afterAll(() => mesh?.[Symbol.asyncDispose]());

  it("gives each process the secrets that it needs and no others, and serves nobody without its own", async () => {
    const pids = JSON.parse(await readFile(join(mesh.folder, "mesh.json"), "utf8")) as Record<Role, number>;
    const made = JSON.parse(await readFile(join(mesh.folder, "secrets.json"), "utf8")) as Record<string, string>;
    const storing: Role[] = ["routing", "billing", "history", "jobs"];
    const all = Object.keys(pids) as Role[];
    /** What may not be seen, and by whom all the same. */
    const holders: readonly (readonly [string, readonly Role[]])[] = [
      [made.grpcSecret ?? "", all],
      [made.keyPepper ?? "", ["billing"]],
      [made.credentialKey ?? "", ["routing", "provider-adapter", "jobs"]],
      [mesh.databaseUrl, storing],
      [planted.PGPASSWORD, storing],
      [planted.OPENAI_API_KEY, ["provider-adapter"]],
      [planted.MY_OWN_UPSTREAM, ["provider-adapter"]],
      ["planted-collector-token", all],
      [planted.THROUGHLINE_ADMIN_KEY, []],
      [key, []],
    ];
    const environments = await Promise.all(
      all.map(async (role) => [role, await readFile(`/proc/${pids[role]}/environ`, "utf8")] as const),
    );
    for (const [secret, roles] of holders) {
      const seen = environments.filter(([, text]) => text.includes(secret)).map(([role]) => role);
      expect([secret, seen.sort()]).toEqual([secret, [...roles].sort()]);
    }

    // Only this user can enter the folder of its sockets, and its other processes have not its secret.
    const [, billing = ""] = environments.find(([role]) => role === "gateway") ?? [];
    const target = /BILLING_TARGET=([^\0]+)/.exec(billing)?.[1] ?? "";
    const sockets = dirname(target.replace(/^unix:/, ""));
    expect((await stat(sockets)).mode & 0o777).toBe(0o700);
    expect((await readdir(sockets)).sort()).toEqual(["billing", "history", "jobs", "provider-adapter", "routing"]);
    const listAccounts = async (secret: string | undefined) => {
      await using client = Object.assign(createGrpcClient(BillingService, { target, secret }), {
        [Symbol.asyncDispose]: () => client.close(),
      });
      const { accounts } = await client.listAccounts({}, { timeoutMs: 5_000 });
      return accounts.length;
    };
    expect(await listAccounts(made.grpcSecret)).toBe(1);
    for (const secret of [undefined, "", "another-secret-of-somebody-else"]) {
      await expect(listAccounts(secret)).rejects.toMatchObject({ code: "service_unavailable" });
    }
    await vi.waitFor(() => expect(mesh.out()).toContain("calls without this deployment's GRPC_SECRET are refused"));
    expect(mesh.out()).not.toContain("another-secret-of-somebody-else");
    // A given key is not printed.
    expect(mesh.out()).not.toContain(key);
  });

  it("starts a process again that was signalled alone", async () => {
    const [routing = 0, ...others] = await mesh.processes();
    process.kill(routing, "SIGTERM");
    await vi.waitFor(async () => expect((await mesh.processes())[0]).not.toBe(routing), {
      timeout: 15_000,
      interval: 100,
    });
    expect((await mesh.processes()).slice(1)).toEqual(others);
    // A gateway stays ready while a service restarts, and says which.
    await vi.waitFor(
      async () => expect(await (await fetch(`${mesh.url}/readyz`)).json()).toEqual({ status: "ready", away: [] }),
      { timeout: 15_000, interval: 100 },
    );
  }, 30_000);

  it("ends streams whole on Ctrl-C, which reaches the whole group", async () => {
    await expectWholeStream(mesh, async () => void process.kill(-(mesh.child.pid ?? 0), "SIGINT"));
  }, 30_000);
});

it("the mesh ends streams whole on a signal to all of its processes, as systemd sends it", async () => {
  await using mesh = await startMesh();
  await expectWholeStream(mesh, async () => {
    const own = mesh.child.pid ?? 0;
    for (const pid of [...(await mesh.processes()), own, own]) process.kill(pid, "SIGTERM");
  });
}, 120_000);

it("the mesh leaves no process behind when it is killed", async () => {
  await using mesh = await startMesh();
  const pids = await mesh.processes();
  const alive = async () => (await Promise.all(pids.map(startOfProcess))).filter((started) => started !== undefined);
  expect(await alive()).toHaveLength(6);
  mesh.child.kill("SIGKILL");
  await vi.waitFor(async () => expect(await alive()).toEqual([]), { timeout: 25_000, interval: 200 });
}, 120_000);

it("says at the start that the pepper is another, and makes no keys beside those that clients have", async () => {
  await using database = await testPostgres();
  await using first = await startReplica(database.url, { keyPepper: "the pepper of the first start" });
  await first.client.createAccount({ account: { name: "default", group: "default" } }, { timeoutMs: 5_000 });
  const folder = await mkdtemp(join(tmpdir(), "throughline-mesh-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH ?? "", THROUGHLINE_DATA: folder, DATABASE_URL: database.url, PORT: "0" };
  const mesh = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), "mesh"], { env });
  onTestFinished(() => void mesh.kill("SIGKILL"));
  const [code, said] = await Promise.all([once(mesh, "exit").then(([exit]: unknown[]) => exit), text(mesh.stderr)]);
  expect(code).toBe(2);
  expect(said).toContain("KEY_PEPPER is not the one that the stored keys were made with");
  expect(said).not.toContain("Throughline is ready");
  expect((await first.client.listKeys({}, { timeoutMs: 5_000 })).keys).toEqual([]);
}, 60_000);
