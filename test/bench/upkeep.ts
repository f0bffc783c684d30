import { parseArgs } from "node:util";
import { createDatabase, statement } from "../../shared/db/index.ts";
import { createLog } from "../../shared/log.ts";
import { closedLoop, type LoadResult, openLoop } from "./load/loads.ts";
import { chatRequest } from "./load/request.ts";
import { cpuMs, quiet } from "./measure/proc.ts";
import { openBenchGround } from "./subjects/ground.ts";
import { throughline } from "./subjects/throughline.ts";

/**
 * What PostgreSQL's upkeep does to a Throughline under load, and what the load does to its tables: dead rows, sizes and vacuums
 * of the tables that change most, and beside them latencies at a low rate.
 *
 * `node test/bench/upkeep.ts [--minutes N] [--every S] [--rate N] [--sql "alter table ..."] [--checkout DIR]`: `--sql` is run on the fresh
 * database first, to compare settings; `--checkout` is another folder whose code is started. `--rate 0` loads with 64 requests at a time.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    every: { type: "string", default: "30" },
    rate: { type: "string", default: "0" },
    sql: { type: "string", default: "" },
    checkout: { type: "string" },
  },
});
const rate = Number(values.rate);
const untilMs = performance.now() + Number(values.minutes) * 60_000;

const upkeep = statement(
  "bench.upkeep",
  `select schemaname || '.' || relname as "table", n_live_tup as live, n_dead_tup as dead, n_tup_upd as updated, n_tup_hot_upd as hot,
     autovacuum_count as vacuums, pg_relation_size(relid) / 1024 as heap_kb, pg_indexes_size(relid) / 1024 as index_kb,
     round(total_autovacuum_time)::bigint as vacuum_ms
   from pg_stat_user_tables
   where n_tup_upd + n_tup_del > 100 or autovacuum_count > 0
   order by n_tup_upd + n_tup_del desc limit 14`,
);

await using ground = await openBenchGround();
const up = await throughline(ground, {
  name: "up",
  mode: "up",
  sampled: 0.01,
  starts: 0,
  ...(values.checkout === undefined ? {} : { checkout: values.checkout }),
});
const log = createLog({ service: "bench", level: "silent" });
const db = createDatabase<unknown>({
  url: await up.databaseUrl(),
  schema: "public",
  maxConnections: 1,
  applicationName: "bench",
  log,
});
try {
  for (const text of values.sql.split(";"))
    if (text.trim() !== "") await db.query(statement("bench.setting", text), []);
  const atOnce = chatRequest(up.target, { kind: "answer", delayMs: 0 });
  const after20 = chatRequest(up.target, { kind: "answer", delayMs: 20 });
  const forMs = Number(values.every) * 1_000;
  const p99s: number[] = [];
  const own = up.processes();
  const cpu = (database: boolean): number =>
    own.filter(({ isDatabase }) => isDatabase === database).reduce((sum, group) => sum + cpuMs(group), 0);
  while (performance.now() < untilMs) {
    const before = [cpu(false), cpu(true)];
    const result: LoadResult =
      rate === 0
        ? await closedLoop(up.target, 64, { forMs }, () => atOnce)
        : await openLoop(up.target, rate, forMs, () => after20);
    const { good, bad, wallMs, latency } = result;
    const each = [cpu(false) - (before[0] ?? 0), cpu(true) - (before[1] ?? 0)].map((ms) => (ms / good).toFixed(3));
    p99s.push(latency.at(0.99));
    console.log(
      `${good} good, ${bad} bad, ${Math.round((good * 1_000) / wallMs)}/s, p50 ${latency.at(0.5).toFixed(1)} ms, p99 ${latency.at(0.99).toFixed(1)}, p99.9 ${latency.at(0.999).toFixed(1)}; CPU-ms a request: up ${each[0]}, postgres ${each[1]}`,
    );
    console.table(await db.query(upkeep, []));
  }
  p99s.sort((a, b) => a - b);
  console.log(`p99, median of the spans: ${(p99s[p99s.length >> 1] ?? Number.NaN).toFixed(1)} ms`);
  await quiet(own);
  console.log(await up.kept());
} finally {
  await db.close();
  await up.stop();
}
