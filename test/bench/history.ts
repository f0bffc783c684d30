import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { envToConfig } from "../../services/history/config.ts";
import { startHistory } from "../../services/history/server.ts";
import { createDatabase, startEmbeddedPostgres, statement } from "../../shared/db/index.ts";
import {
  type Record as HistoryRecord,
  type OwnerSchema,
  type RecordFilterSchema,
  RecordStatus,
  TimeStep,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { createLog } from "../../shared/log.ts";
import { fromParts } from "../../shared/request-id.ts";
import { createInProcessClient } from "../../shared/rpc/index.ts";
import { createTelemetry, telemetryConfig } from "../../shared/telemetry/index.ts";
import { createGenerator } from "./history/generate.ts";
import { serverCpuUs } from "./history/processes.ts";

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "10000000" },
    /** Days that the records are spread over. */
    days: { type: "string", default: "28" },
    /** Records a second that go on being written while queries are measured. */
    writes: { type: "string", default: "500" },
    queries: { type: "string", default: "200" },
    /** Folder that the database stays in: a second run finds the records there and measures the queries only. */
    data: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const total = Number(values.records);
const days = Number(values.days);
const writesPerSecond = Number(values.writes);
const queries = Number(values.queries);

const dataDir = values.data ?? mkdtempSync(path.join(tmpdir(), "throughline-bench-"));
const log = createLog({ service: "bench", level: "warn" });
const postgres = await startEmbeddedPostgres({ dataDir, log });
const telemetry = createTelemetry(telemetryConfig({}), { service: "history", log });
const service = await startHistory(envToConfig({ DATABASE_URL: postgres.url }), {
  log,
  tracing: telemetry.tracer("history"),
  metrics: telemetry.metrics,
});
const history = createInProcessClient(service.definition);
const db = createDatabase<unknown>({
  url: postgres.url,
  schema: "history",
  applicationName: "bench",
  // A vacuum of ten million records takes minutes.
  statementTimeoutMs: 1_800_000,
  log,
});

const startMs = Date.now() - days * 86_400_000;
const perRecordMs = (days * 86_400_000) / (total * 1.02);
const generate = createGenerator(startMs);
const rareModel = "rare-model";
const print = (text: string): void => void process.stdout.write(`${text}\n`);

if ((await stored()) < total * 0.9) {
  await fill();
}
await storeRare();
await vacuum();
await printSizes();
await printQueries();

await history.close();
await db.close();
await service.stop();
await telemetry.shutdown();
await postgres.stop();
if (!values.keep && values.data === undefined) rmSync(dataDir, { recursive: true });

/** Fills through the service's own lane: preparing, compressing and storing are all in the figures, generating is not. */
async function fill(): Promise<void> {
  const inFlight = 2_048;
  let done = 0;
  let ownUs = 0;
  let generateUs = 0;
  let elapsedMs = 0;
  const server = serverCpuUs(postgres.pid);
  for (let nextReport = total / 10; done < total; ) {
    const chunk: HistoryRecord[] = [];
    const before = process.cpuUsage();
    for (let n = 0; n < 20_000 && done + chunk.length < total; n++) chunk.push(generate(perRecordMs));
    const generated = process.cpuUsage(before);
    generateUs += generated.user + generated.system;
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    await store(chunk, inFlight);
    const used = process.cpuUsage(cpu);
    ownUs += used.user + used.system;
    elapsedMs += performance.now() - startedMs;
    done += chunk.length;
    if (done >= nextReport) {
      print(`  ${done} records, ${Math.round(done / (elapsedMs / 1_000))} a second so far`);
      nextReport += total / 10;
    }
  }
  const serverUs = serverCpuUs(postgres.pid) - server;
  print(`insert rate: ${Math.round(done / (elapsedMs / 1_000))} records a second`);
  print(
    `CPU a record: service ${(ownUs / done).toFixed(1)} us, PostgreSQL ${(serverUs / done).toFixed(1)} us (making it up: ${(generateUs / done).toFixed(1)} us, not in the rate)`,
  );
}

/** Keeps `inFlight` records under way. */
async function store(records: readonly HistoryRecord[], inFlight: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let record = records[next++]; record !== undefined; record = records[next++]) {
      await history.record.call({ record }, { requestId: record.requestId, timeoutMs: 60_000 });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

/** Records that a run before has left, as PostgreSQL estimates them. */
async function stored(): Promise<number> {
  const [row] = await db.query<{ records: number | null }>(
    statement(
      "stored",
      `select sum(reltuples)::float8 as records from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'history.record'::regclass and c.reltuples > 0`,
    ),
    [],
  );
  return row?.records ?? 0;
}

/** What autovacuum would have done by then. */
async function vacuum(): Promise<void> {
  for (const table of ["record", "payload"])
    await db.query(statement(`vacuum.${table}`, `vacuum (analyze) history.${table}`), []);
}

async function printSizes(): Promise<void> {
  const sizes = await db.query<{ kind: string; table: string; bytes: bigint }>(
    statement(
      "sizes",
      `select p.relname as table, k.kind, sum(case k.kind when 'indexes' then pg_indexes_size(c.oid) else pg_table_size(c.oid) end)::bigint as bytes
         from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
         cross join (values ('rows'), ('indexes')) as k(kind)
        where p.relname in ('record', 'payload') and p.relkind = 'p' group by 1, 2 order by 1 desc, 2 desc`,
    ),
    [],
  );
  const count = Math.max(total, await stored());
  print("bytes a record on disk:");
  let metadata = 0;
  let all = 0;
  for (const { table, kind, bytes } of sizes) {
    const each = Number(bytes) / count;
    all += each;
    if (table === "record") metadata += each;
    print(`  ${table} ${kind}: ${each.toFixed(1)}`);
  }
  print(`  metadata with its indexes: ${metadata.toFixed(1)}; with payload: ${all.toFixed(1)}`);
}

async function printQueries(): Promise<void> {
  const owner = { accountId: 1n };
  const options = { timeoutMs: 60_000 };
  const page = (fields: object) => () => history.queryRecords({ owner, page: 1, pageSize: 20, ...fields }, options);
  const [some] = (await history.queryRecords({ owner, page: 50, pageSize: 1_000 }, options)).records;
  const id = some?.record?.requestId ?? 0n;
  const upstream = some?.record?.upstreamRequestId ?? "";
  const user =
    (await history.listRecords({ owner, limit: 100 }, options)).records.find((r) => r.record?.userId)?.record?.userId ??
    "";
  const series =
    (back: number, step: TimeStep, groupBy = "") =>
    () =>
      history.getTimeseries(
        {
          owner,
          filter: { fromUnixMs: BigInt(Date.now() - back * 86_400_000), toUnixMs: BigInt(Date.now()) },
          step,
          groupBy,
        },
        options,
      );
  const cases: [string, () => Promise<unknown>][] = [
    ["page 1 of 20", page({})],
    ["page 1 of 1000", page({ pageSize: 1_000 })],
    ["page 100 of 1000", page({ page: 100, pageSize: 1_000 })],
    ["status failed, page 1 of 20", page({ statuses: [RecordStatus.FAILED] })],
    ["status processing, page 1 of 20", page({ statuses: [RecordStatus.PROCESSING] })],
    ["one user, page 1 of 20", page({ owner: { ...owner, userId: user } })],
    ["one key, page 1 of 20", page({ owner: { ...owner, keyId: 10n } })],
    ["a small account, page 1 of 20", page({ owner: { accountId: 399n } })],
    [
      "one day in the middle, page 1 of 20",
      page({
        startUnixMs: BigInt(startMs + days * 43_200_000),
        endUnixMs: BigInt(startMs + days * 43_200_000 + 86_400_000),
      }),
    ],
    ...lists({ operator: true }, "everybody's", some?.record),
    ...lists(owner, "an account's", some?.record),
    ["one ID", () => history.getRecord({ owner, requestId: id }, options)],
    ["one upstream ID", () => history.getRecord({ owner, upstreamRequestId: upstream }, options)],
    [
      "find unfinished, 1000 IDs",
      () => history.findUnfinished({ requestIds: Array.from({ length: 1_000 }, (_, n) => id + BigInt(n)) }, options),
    ],
    ["usage by hour of the last day", series(1, TimeStep.HOUR)],
    ["usage by day of all time, by model", series(days, TimeStep.DAY, "model")],
  ];
  const roundsOf = (name: string): number => (name.startsWith("usage") ? 5 : queries);
  const cpuMs = new Map<string, string>();
  for (const [name, run] of cases) cpuMs.set(name, await cpuOf(run, roundsOf(name)));
  const stop = new AbortController();
  const writing = write(stop.signal);
  // A service that has run for a while: its code, the writer's too, is compiled by then.
  for (const untilMs = performance.now() + 30_000; performance.now() < untilMs; )
    for (const [name, run] of cases) if (!/usage|1000/.test(name)) await run();
  print(
    `queries while ${writesPerSecond} records a second are written (p50 / p99 / max, ms; ${queries} each, one after the other);`,
  );
  print(
    "in brackets the CPU time of one without writes, service + PostgreSQL, ms: what other work on the machine does not change",
  );
  for (const [name, run] of cases) {
    const times: number[] = [];
    for (let n = 0; n < roundsOf(name); n++) {
      const startedMs = performance.now();
      await run();
      times.push(performance.now() - startedMs);
    }
    times.sort((x, y) => x - y);
    const at = (share: number): string =>
      (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2);
    print(`  ${name}: ${at(0.5)} / ${at(0.99)} / ${at(1)}  [${cpuMs.get(name)}]`);
  }
  stop.abort();
  await writing;
}

/** The first page of a list by what many records share: by what is common, and by what a record in half a million has. */
function lists(
  owner: MessageInitShape<typeof OwnerSchema>,
  whose: string,
  common: Pick<HistoryRecord, "model" | "channel"> | undefined,
): [string, () => Promise<unknown>][] {
  const list = (filter: MessageInitShape<typeof RecordFilterSchema>) => () =>
    history.listRecords({ owner, filter, limit: 50 }, { timeoutMs: 60_000 });
  return [
    [`${whose} list by a model`, list({ model: common?.model ?? "" })],
    [`${whose} list by a rare model`, list({ model: rareModel })],
    [`${whose} list by a channel`, list({ channel: common?.channel ?? "" })],
    [`${whose} list by an error`, list({ errorCode: "upstream_error" })],
    [`${whose} list by a rare model and an error`, list({ model: rareModel, errorCode: "upstream_error" })],
  ];
}

/** Records of a model that hardly anybody uses, over all the time. */
async function storeRare(): Promise<void> {
  const made = Array.from({ length: Math.ceil(total / 500_000) }, (_, n) => {
    const record = createGenerator(startMs + ((n + 0.5) * days * 86_400_000 * 500_000) / total)(perRecordMs);
    record.requestId += 7n << 12n;
    record.model = rareModel;
    return record;
  });
  await store(made, made.length);
}

/** CPU milliseconds of one run, after a few to warm up. */
async function cpuOf(run: () => Promise<unknown>, rounds: number): Promise<string> {
  for (let n = 0; n < 5; n++) await run();
  const server = serverCpuUs(postgres.pid);
  const own = process.cpuUsage();
  for (let n = 0; n < rounds; n++) await run();
  const used = process.cpuUsage(own);
  const ownMs = (used.user + used.system) / rounds / 1_000;
  return `${ownMs.toFixed(2)} + ${((serverCpuUs(postgres.pid) - server) / rounds / 1_000).toFixed(2)}`;
}

/** Writes records over and over, made up before: making them up is no work of the service. */
async function write(signal: AbortSignal): Promise<void> {
  const everyMs = 20;
  const newest = createGenerator(Date.now());
  const stock = Array.from({ length: 4 * writesPerSecond }, () => newest(1_000 / writesPerSecond));
  let written = 0;
  let debt = 0;
  for (let last = performance.now(); !signal.aborted; ) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    const nowMs = performance.now();
    debt += ((nowMs - last) * writesPerSecond) / 1_000;
    last = nowMs;
    const due: HistoryRecord[] = [];
    for (; debt >= 1; debt--) {
      const record = stock[written++ % stock.length];
      if (record !== undefined) due.push(asOfNow(record, written));
    }
    await store(due, due.length);
  }
}

function asOfNow(record: HistoryRecord, serial: number): HistoryRecord {
  const unixMs = Date.now();
  record.requestId = fromParts({ unixMs, node: 4, sequence: serial % 4_096 });
  record.attemptId = record.requestId + 1n;
  record.createdUnixUs = BigInt(unixMs) * 1_000n;
  record.updatedUnixUs = record.createdUnixUs + record.durationUs;
  return record;
}
