import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { startBilling } from "../../services/billing/server.ts";
import { createDatabase, startEmbeddedPostgres, statement } from "../../shared/db/index.ts";
import { KeyKind, SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { createLog } from "../../shared/log.ts";
import { fromParts, requestIdEpochMs } from "../../shared/request-id.ts";
import { createInProcessClient } from "../../shared/rpc/index.ts";
import { createTelemetry, telemetryConfig } from "../../shared/telemetry/index.ts";
import { figure } from "./measure/stats.ts";
import { watchStolen } from "./measure/stolen.ts";

/**
 * Reservations and settlements a second, durable (synchronous_commit on, fsync on), on one hot account and on a thousand:
 * `node test/bench/billing.ts [--requests N] [--in-flight N] [--rate N] [--rounds N] [--seconds N]`. PostgreSQL, service and load share the machine.
 */
const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "60000" },
    "in-flight": { type: "string", default: "1024" },
    rate: { type: "string", default: "2000" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
  },
});
const requests = Number(values.requests);
const inFlight = Number(values["in-flight"]);
const options = { timeoutMs: 60_000 };
const stolen = watchStolen();

const log = createLog({ service: "bench", level: "warn" });
const dataDir = await mkdtemp(path.join(tmpdir(), "throughline-bench-"));
const postgres = await startEmbeddedPostgres({ dataDir, log });
const telemetry = createTelemetry(telemetryConfig({ OTEL_SDK_DISABLED: "true" }), { service: "billing", log });
const billing = await startBilling(
  {
    databaseUrl: postgres.url,
    databasePoolSize: 10,
    migrate: true,
    keyPepper: "a pepper for the bench",
    keyPepperReset: false,
    reservationTtlMs: 600_000,
    sweepIntervalMs: 1_000,
    reconcileLagMs: 3_600_000,
    reconcileIntervalMs: 60_000,
    settleLingerMs: 0,
    refusalWaitMs: 250,
    valkeyUrl: undefined,
    valkeyFallback: "local",
    accountsFile: undefined,
    accountsLookEveryMs: 10_000,
  },
  {
    log,
    tracing: telemetry.tracer("billing"),
    metrics: telemetry.metrics,
    history: {
      findUnfinished: () => Promise.reject(new Error("not in this bench")),
      record: {
        call: () => Promise.reject(new Error("not in this bench")),
        open: () => {
          throw new Error("not in this bench");
        },
      },
    },
  },
);
const client = createInProcessClient(billing.definition);

interface Payer {
  accountId: bigint;
  keyId: bigint;
}

let sequence = 0;
const startMs = Date.now();
function nextId(): bigint {
  sequence += 1;
  return fromParts({ unixMs: startMs + Math.floor(sequence / 4096), node: 1, sequence: sequence % 4096 });
}
if (startMs < requestIdEpochMs) throw new Error("the clock is astray");

async function createPayer(name: string): Promise<Payer> {
  const { account } = await client.createAccount({ account: { name } }, options);
  const accountId = account?.accountId ?? 0n;
  await client.addCredit({ accountId, amountNanoUsd: 10n ** 15n, actor: "bench", reason: "bench" }, options);
  const { key } = await client.createKey({ key: { accountId, kind: KeyKind.API, scopes: ["*"] } }, options);
  return { accountId, keyId: key?.keyId ?? 0n };
}

const pricing = {
  strategy: "bench",
  inputNanoUsdPerMtok: 150_000_000n,
  outputNanoUsdPerMtok: 600_000_000n,
  groupRatioPpm: 1_000_000,
};
const work = { module: Module.CHAT, model: "bench-model", dialect: "openai.chat", pricing };

function reserve(payer: Payer, requestId: bigint) {
  const worstCase = { inputTokens: 300n, outputTokens: 1_000n };
  return client.reserve.call({ ...payer, ...work, worstCase }, { ...options, requestId });
}

function settle(payer: Payer, requestId: bigint) {
  return client.settle.call(
    {
      accountId: payer.accountId,
      case: SettleCase.SUCCEEDED,
      usage: { inputTokens: 280n, outputTokens: 120n },
      pricing,
      facts: {
        keyId: payer.keyId,
        module: Module.CHAT,
        model: "bench-model",
        channel: "openai-main",
        platform: "openai",
      },
    },
    { ...options, requestId },
  );
}

/** What anything durable takes here: a table of one column, a statement and a commit for each row. */
const floor = createDatabase<unknown>({ url: postgres.url, schema: "public", applicationName: "bench", log });
const insertPlain = statement("bench.insert", "insert into bench_row values ($1::bigint)");

interface Sample {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuUs: number;
}

/** Keeps `width` calls in flight until all items are done. */
async function flood<T>(items: readonly T[], width: number, call: (item: T) => Promise<unknown>): Promise<Sample> {
  const latencies: number[] = [];
  let next = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < items.length) {
        const item = items[next++];
        if (item === undefined) return;
        const at = performance.now();
        await call(item);
        latencies.push(performance.now() - at);
      }
    }),
  );
  return sample(latencies, performance.now() - start, process.cpuUsage(cpu));
}

/** Sends items at a steady rate, however long they take. */
async function drip<T>(items: readonly T[], perSecond: number, call: (item: T) => Promise<unknown>): Promise<Sample> {
  const latencies: number[] = [];
  const open: Promise<void>[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  let sent = 0;
  while (sent < items.length) {
    const due = Math.min(items.length, Math.floor(((performance.now() - start) / 1_000) * perSecond));
    for (; sent < due; sent++) {
      const item = items[sent];
      if (item === undefined) continue;
      const at = performance.now();
      open.push(
        call(item).then(() => {
          latencies.push(performance.now() - at);
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(open);
  return sample(latencies, performance.now() - start, process.cpuUsage(cpu));
}

function sample(latencies: number[], tookMs: number, cpu: NodeJS.CpuUsage): Sample {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    perSecond: Math.round((latencies.length / tookMs) * 1_000),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuUs: (cpu.user + cpu.system) / latencies.length,
  };
}

function print(name: string, { perSecond, p50Ms, p99Ms, cpuUs }: Sample): void {
  console.log(
    `${name.padEnd(44)} ${String(perSecond).padStart(7)}/s   p50 ${p50Ms.toFixed(1).padStart(6)} ms   p99 ${p99Ms.toFixed(1).padStart(6)} ms   ${cpuUs.toFixed(0).padStart(4)} us CPU of node each`,
  );
}

function printSteady(name: string, samples: readonly Sample[]): void {
  const show = (of: (one: Sample) => number): string => {
    const { median, low, high } = figure(samples.map(of));
    return `${median.toFixed(1).padStart(5)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
  };
  console.log(
    `${name.padEnd(30)} p50 ms ${show((one) => one.p50Ms).padEnd(22)} p99 ms ${show((one) => one.p99Ms).padEnd(24)} ${figure(samples.map((one) => one.cpuUs)).median.toFixed(0)} us CPU of node each`,
  );
}

/** How far each round's p99 is above the plain row's: what the ledger adds to what anything durable takes on this machine. */
function printAdded(name: string, samples: readonly Sample[], plain: readonly Sample[]): void {
  const { median, low, high } = figure(samples.map(({ p99Ms }, round) => p99Ms - (plain[round]?.p99Ms ?? Number.NaN)));
  console.log(
    `${name.padEnd(30)} adds at p99 ${median.toFixed(1).padStart(5)} ms (${low.toFixed(1)} to ${high.toFixed(1)}) to a plain row`,
  );
}

const plainRow = "a plain row each";

try {
  await floor.query(statement("bench.table", "create table bench_row (id bigint primary key)"), []);
  const hot = await createPayer("hot");
  const thousand = await Promise.all(Array.from({ length: 1_000 }, (_, i) => createPayer(`account ${i}`)));
  const runs: [string, (i: number) => Payer][] = [
    ["one hot account", () => hot],
    ["1,000 accounts", (i) => thousand[i % thousand.length] ?? hot],
  ];
  // The first batches teach PostgreSQL its plans and V8 its code.
  const warm = Array.from({ length: 10_000 }, (_, i) => ({ payer: thousand[i % 1_000] ?? hot, id: nextId() }));
  await flood(warm, inFlight, ({ payer, id }) => reserve(payer, id));
  await flood(warm, inFlight, ({ payer, id }) => settle(payer, id));
  // The steady rate first: after a flood PostgreSQL tidies up for a while.
  const rate = Number(values.rate);
  // Rounds, in which a plain row and reservations take turns: what disturbs a round disturbs them all.
  const steady = new Map<string, Sample[]>();
  const note = (name: string, found: Sample): unknown => steady.set(name, [...(steady.get(name) ?? []), found]);
  for (let round = 0; round < Number(values.rounds); round++) {
    const count = rate * Number(values.seconds);
    const rows = Array.from({ length: count }, (_, i) => round * count + i);
    note(plainRow, await drip(rows, rate, (id) => floor.query(insertPlain, [id])));
    for (const [name, payerOf] of runs) {
      const items = Array.from({ length: count }, (_, i) => ({ payer: payerOf(i), id: nextId() }));
      note(`reserve, ${name}`, await drip(items, rate, ({ payer, id }) => reserve(payer, id)));
      note(`settle, ${name}`, await drip(items, rate, ({ payer, id }) => settle(payer, id)));
    }
  }
  console.log(`At ${rate} a second, median of ${values.rounds} rounds (lowest to highest):`);
  for (const [name, samples] of steady) printSteady(name, samples);
  for (const [name, samples] of steady) {
    if (name !== plainRow) printAdded(name, samples, steady.get(plainRow) ?? []);
  }
  console.log(`As many as go, ${inFlight} at a time:`);
  for (const [name, payerOf] of runs) {
    const items = Array.from({ length: requests }, (_, i) => ({ payer: payerOf(i), id: nextId() }));
    print(`reserve, ${name}`, await flood(items, inFlight, ({ payer, id }) => reserve(payer, id)));
    print(`settle, ${name}`, await flood(items, inFlight, ({ payer, id }) => settle(payer, id)));
  }
  const { checks } = await client.audit({}, { timeoutMs: 600_000 });
  console.log(`The hypervisor gave ${(stolen() * 100).toFixed(1)} % of the cores' time to others.`);
  for (const check of checks)
    console.log(`${check.offending.length === 0 ? "ok  " : "BAD "} ${check.name} (${check.checked})`);
} finally {
  await client.close();
  await floor.close();
  await billing.stop();
  await postgres.stop();
  await telemetry.shutdown();
  await rm(dataDir, { recursive: true, force: true });
}
