// Takes away, one after the other, what a request can do without, under load, and says what clients saw. By hand:
//
//   node test/rollout/away.ts                            everything of the table, 15 s each, at 60 requests a second
//   AWAY=history-gone,log-unread AWAY_S=30 node test/rollout/away.ts
//
// Each of the six Deployments has two pods. Beside the requests 10 streams run for 30 s each, and a video begins every second.
// Afterwards each answer that a client has must be charged once and recorded as it was told. Exit code 1: a request failed
// that should not, a gateway turned unready, or the books contradict a client.

import { setTimeout as sleep } from "node:timers/promises";
import { startValkey, valkeyProgram } from "../../services/billing/limits/testing-valkey.ts";
import { statement } from "../../shared/db/index.ts";
import { tell } from "../../shared/log-output.ts";
import { judge } from "../faults/judge.ts";
import { type ClientView, startLoad } from "../faults/load.ts";
import { startCollectorSink } from "./collector-sink.ts";
import { type House, houseAdminKey, houseKey, startHouse } from "./house.ts";
import { startLoad as startStreams } from "./load.ts";
import { type Role, roles } from "./pods.ts";
import { startVideos } from "./videos.ts";
import { watchReadiness } from "./watch.ts";

process.exitCode = 1;
const { AWAY = "", AWAY_S = "15", PER_SECOND = "60" } = process.env;
const awayMs = Number(AWAY_S) * 1_000;

await using undo = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void undo.disposeAsync().finally(() => process.exit(1)));
}
const say = (text: string): void => tell(`${new Date().toISOString().slice(11, 19)} ${text}\n`);

const sink = await startCollectorSink();
undo.use(sink);
const valkey = valkeyProgram === undefined ? undefined : undo.use(await startValkey(valkeyProgram));
const secret = "a-secret-of-this-house-0123456789abcdef";
const house: House = await startHouse({
  ...{ replicas: 2, grpcPort: 21_300, httpPort: 21_301, firstMetricsPort: 21_310 },
  env: {
    GRPC_SECRET: secret,
    // A process that is away for a while may not be taken for dead.
    RECONCILE_LAG_MS: "5s",
    RECONCILE_INTERVAL_MS: "1s",
    LOG_LEVEL: "info",
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    ...(valkey === undefined ? {} : { VALKEY_URL: valkey.url }),
  },
  callers: { secret },
  pods: { pipesOutput: true },
});
undo.use(house);

/** The lines of all pods; the first complaints of each kind are shown. */
const lines = { read: 0 };
const complaints = new Map<string, number>();
/** What was said of each request, to explain one that failed. */
const saidOf = new Map<string, string[]>();
function read(text: string): void {
  for (const line of text.split("\n")) {
    if (line === "") continue;
    lines.read += 1;
    const [, id] = /"request_id":"(\d+)"/.exec(line) ?? [];
    if (id !== undefined) saidOf.set(id, [...(saidOf.get(id) ?? []), line.slice(0, 600)]);
    const [, kind] = /"msg":"([^"]*)"/.exec(line) ?? [];
    if (/"level":"(warn|error|fatal)"/.test(line) && kind !== undefined && !/^(request|attempt)\b/.test(kind))
      complaints.set(kind, (complaints.get(kind) ?? 0) + 1);
  }
}
function follow(): void {
  for (const role of roles) {
    for (const { output } of house.serving[role]) {
      if (output === null || output.listenerCount("data") > 0) continue;
      output.setEncoding("utf8").on("data", read);
    }
  }
}
follow();

/** Pods of a role, killed, and their addresses with them. */
async function gone(role: Role): Promise<() => Promise<void>> {
  const pods = house.serving[role].splice(0);
  house.publish(role);
  for (const pod of pods) pod.signal("SIGKILL");
  return async () => {
    for (let i = 0; i < pods.length; i += 1) await house.add(role);
    follow();
  };
}
/** Pods of a role that stand still: their connections stay, and nothing is answered. */
async function hung(role: Role): Promise<() => Promise<void>> {
  for (const pod of house.serving[role]) pod.signal("SIGSTOP");
  return async () => {
    for (const pod of house.serving[role]) pod.signal("SIGCONT");
  };
}

interface Absence {
  /** Takes it away; resolves with what brings it back. */
  readonly begin: () => Promise<() => Promise<void>>;
  /** Videos cannot begin meanwhile. */
  readonly refusesVideos?: true;
}
const absences: Readonly<Record<string, Absence>> = {
  "history-gone": { begin: () => gone("history") },
  "history-hung": { begin: () => hung("history") },
  "jobs-gone": { begin: () => gone("jobs"), refusesVideos: true },
  "jobs-hung": { begin: () => hung("jobs"), refusesVideos: true },
  ...(valkey === undefined
    ? {}
    : {
        "valkey-gone": {
          begin: async () => {
            await valkey.kill();
            return () => valkey.restart();
          },
        },
        "valkey-hung": {
          begin: async () => {
            valkey.hang();
            return async () => valkey.goOn();
          },
        },
      }),
  "collector-gone": { begin: () => sink.refuse() },
  "collector-hung": { begin: () => sink.hang() },
  "log-unread": {
    begin: async () => {
      const outputs = roles.flatMap((role) => house.serving[role].flatMap(({ output }) => output ?? []));
      for (const output of outputs) output.pause();
      return async () => {
        for (const output of outputs) output.resume();
      };
    },
  },
};

const asked = AWAY === "" ? Object.keys(absences) : AWAY.split(",");
const call = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal) =>
  fetch(`${house.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${houseKey}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
const views: ClientView[] = [];
const wrong: string[] = [];

for (const name of asked) {
  const absence = absences[name];
  if (absence === undefined) throw new Error(`${name} is none of ${Object.keys(absences).join(", ")}`);
  complaints.clear();
  const load = startLoad({ call }, Number(PER_SECOND));
  const streams = startStreams(house.url, { key: houseKey, perSecond: 0, streams: 10, streamS: 30 });
  const videos = startVideos(call);
  const readiness = watchReadiness(house.serving.gateway);
  await sleep(3_000);
  const linesBefore = lines.read;
  const back = await absence.begin();
  videos.phase(absence.refusesVideos === true ? "refused" : "taken");
  const begunMs = performance.now();
  await sleep(awayMs);
  const during = { whole: load.whole(), lines: lines.read - linesBefore };
  const unready = readiness.seen();
  await back();
  const backMs = performance.now();
  videos.phase("taken");
  await sleep(3_000);
  await Promise.all([load.stop(), streams.stop(), videos.stop()]);
  readiness.stop();

  // A model of the load fails upstream by itself, and some of its clients leave.
  const failed = load.seen.filter((view) => !view.whole && !view.left && view.errorCode !== "upstream_error");
  const all = [...load.seen, ...videos.views()];
  views.push(...all);
  let judged = await judge(house.db, all);
  for (let tries = 0; judged.faults.length > 0 && tries < 90; tries += 1) {
    await sleep(500);
    judged = await judge(house.db, all);
  }
  const settledMs = performance.now() - backMs;
  say(
    `${name}: ${load.seen.length} requests, ${during.whole} whole by the end of ${Math.round((backMs - begunMs) / 1_000)} s, ${failed.length} failed; ` +
      `${streams.long.whole} streams of 30 s whole, ${streams.long.failed.length} failed; videos: ${videos.told()}; ` +
      `${unready.length} looks at gateways unready; books equal ${(settledMs / 1_000).toFixed(1)} s after it was back; ` +
      `${during.lines} log lines read meanwhile`,
  );
  for (const [kind, count] of complaints) say(`  ${count} x ${kind}`);
  const problems = [
    ...failed.map((view) => `${view.status} ${view.errorCode} ${view.id}`),
    ...streams.long.failed,
    ...videos.wrong(),
    ...unready,
    ...judged.faults,
  ];
  for (const problem of problems.slice(0, 10)) say(`  WRONG ${problem}`);
  for (const { id } of failed.slice(0, 3)) for (const line of saidOf.get(id.toString()) ?? []) say(`    ${line}`);
  saidOf.clear();
  wrong.push(...problems);
}

const totals = statement(
  "away_totals",
  `select (select count(*)::int from billing.ledger where kind = 1) as charges,
     (select count(distinct entry_id)::int from billing.ledger where kind = 1) as charged,
     (select -sum(amount)::bigint from billing.ledger where kind = 1) as charged_nano_usd,
     (select sum(billed_nano_usd)::bigint from history.record) as recorded_nano_usd,
     (select count(*)::int from billing.ledger l where kind in (1, 2)
        and not exists (select from history.record r where r.request_id = l.entry_id)) as unrecorded,
     (select count(*)::int from billing.reservation) as open`,
);
type Sums = Readonly<Record<"charged_nano_usd" | "recorded_nano_usd" | "unrecorded" | "open", number | bigint>>;
let sums: Sums | undefined;
let isEqual = false;
for (let tries = 0; !isEqual && tries < 120; tries += 1) {
  [sums] = await house.db.query<Sums>(totals, []);
  isEqual = sums?.charged_nano_usd === sums?.recorded_nano_usd && sums?.unrecorded === 0 && sums.open === 0;
  if (!isEqual) await sleep(500);
}
const audit = await fetch(`${house.url}/trpc/ledger.audit`, { headers: { authorization: `Bearer ${houseAdminKey}` } });
const isSound = (await audit.text()).includes('"sound":true');
const told = views.filter(({ whole, replayed }) => whole && !replayed).length;
say(
  `${told} whole answers; ${JSON.stringify(sums, (_, value) => (typeof value === "bigint" ? value.toString() : value))}`,
);
say(`the audit finds the ledger ${isSound ? "sound" : "NOT sound"}`);
if (!isSound || !isEqual) wrong.push("books");
process.exitCode = wrong.length === 0 ? 0 : 1;
