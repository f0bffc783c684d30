import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, startEmbeddedPostgres, statement } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { BillingService, LedgerKind } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createGrpcClient } from "../../shared/rpc/index.ts";
import {
  auditLines,
  type BillingClient,
  createPayer,
  nextRequestId,
  type Payer,
  pepper,
  reserve,
  settle,
  standing,
  startReplica,
} from "./testing.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

/** Sends until it is answered, as the gateway does for what it must know. Counts the attempts that failed. */
async function persistently<T>(call: () => Promise<T>, failures: string[]): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const fault = ThroughlineError.from(error);
      if (!["service_unavailable", "upstream_timeout"].includes(fault.code)) throw error;
      failures.push(fault.code);
      await delay(20);
    }
  }
}

/** Reserves and settles a request, whatever happens meanwhile. */
async function runRequest(client: BillingClient, payer: Payer, id: bigint, failures: string[]): Promise<void> {
  await persistently(() => reserve(client, payer, 5n, id), failures);
  await persistently(() => settle(client, payer, 3n, id), failures);
}

/** Every request charged once, nothing held, nothing else in the ledger. */
async function expectAllCharged(client: BillingClient, payer: Payer, ids: readonly bigint[]): Promise<void> {
  const paid = BigInt(ids.length) * 3n;
  expect(await standing(client, payer.accountId)).toEqual({ balance: 1_000_000n - paid, reserved: 0n });
  const charges: bigint[] = [];
  for (let cursor = ""; ; ) {
    const page = await client.listLedger({ accountId: payer.accountId, limit: 1_000, cursor }, { timeoutMs: 10_000 });
    for (const entry of page.entries) if (entry.kind !== LedgerKind.TOPUP) charges.push(entry.entryId);
    cursor = page.nextCursor;
    if (cursor === "") break;
  }
  expect(charges.sort()).toEqual([...ids].sort());
  expect(await auditLines(client)).toEqual([]);
}

/** Keeps `width` requests going until all are through. */
async function load(ids: readonly bigint[], width: number, run: (id: bigint) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let id = ids[next++]; id !== undefined; id = ids[next++]) await run(id);
    }),
  );
}

/** What processes know each other by. */
const secret = "a-secret-of-this-test-0123456789abcdef";

async function startProcess(port: number): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "main.ts")], {
    env: {
      DATABASE_URL: postgres.url,
      KEY_PEPPER: pepper,
      GRPC_HOST: "127.0.0.1",
      GRPC_SECRET: secret,
      GRPC_PORT: String(port),
      HISTORY_TARGET: "dns:///127.0.0.1:9",
      OTEL_SDK_DISABLED: "true",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const { msg, port: listening } = JSON.parse(line) as { msg: string; port?: number };
    if (msg !== "ready" || listening === undefined) continue;
    lines.removeAllListeners();
    child.stdout.resume();
    return { child, port: listening };
  }
  throw new Error("billing did not start");
}

test("kill -9 in the middle of batches loses nothing and doubles nothing", { timeout: 60_000 }, async () => {
  let { child, port } = await startProcess(0);
  const client = createGrpcClient(BillingService, {
    target: `dns:///127.0.0.1:${port}`,
    idempotent: ["authenticate", "reserve", "settle"],
    secret,
  });
  try {
    await client.ready(10_000);
    const payer = await createPayer(client);
    const ids = Array.from({ length: 3_000 }, nextRequestId);
    const failures: string[] = [];
    let through = 0;
    let kills = 0;
    await load(ids, 100, async (id) => {
      await runRequest(client, payer, id, failures);
      through += 1;
      if (through !== 500 && through !== 1_500) return;
      child.kill("SIGKILL");
      await once(child, "exit");
      kills += 1;
      ({ child } = await startProcess(port));
    });
    expect(kills).toBe(2);
    await expectAllCharged(client, payer, ids);
  } finally {
    await client.close();
    child.kill("SIGKILL");
  }
});

test("PostgreSQL crashing under load makes requests wait or get 503, and loses nothing", {
  timeout: 60_000,
}, async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), "throughline-faults-"));
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog });
  const replicas = await Promise.all([1, 2].map(() => startReplica(server.url)));
  const admin = createDatabase({ url: server.url, schema: "billing", applicationName: "test", log: silentLog });
  const backends = statement(
    "test_backends",
    "select pid from pg_stat_activity where application_name = 'throughline billing' order by query_start desc limit 1",
    { idempotent: true },
  );
  try {
    const clients = replicas.map(({ client }) => client);
    const [client] = clients;
    if (client === undefined) throw new Error("no replica");
    const payer = await createPayer(client);
    const ids = Array.from({ length: 3_000 }, nextRequestId);
    const failures: string[] = [];
    let through = 0;
    await load(ids, 100, async (id) => {
      await runRequest(clients[Number(id & 1n)] ?? client, payer, id, failures);
      through += 1;
      if (through !== 500 && through !== 1_500) return;
      // The death of one backend makes the server end all others, discard its memory and recover from its log.
      const [backend] = await admin.query<{ pid: number }>(backends, []);
      if (backend !== undefined) process.kill(backend.pid, "SIGKILL");
    });
    await expectAllCharged(client, payer, ids);
    expect(failures.every((code) => code === "service_unavailable")).toBe(true);
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await admin.close();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});
