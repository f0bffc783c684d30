import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres, statement } from "../../shared/db/index.ts";
import { silentLog } from "../../shared/db/testing.ts";
import { expectSoundBooks } from "../e2e/administration.ts";
import { eventually } from "../e2e/deployment.ts";
import { type Role, type Roles, startRoles } from "./roles.ts";

/*
 * kill -9 at every step of a job. Each piece that passes between two processes, to the database or to the upstream while a
 * job lives is a step: it is stopped at its gate, one or two processes are killed, and what waits goes on.
 * RUNS: how many jobs (8); by hand 200.
 */

const runs = Number(process.env.RUNS ?? 8);
const victims = ["gateway", "jobs", "provider", "billing", "postgres"] as const;
type Victim = (typeof victims)[number];

/** A request that begins a job: at a vendor, or one that is answered later. */
interface Work {
  readonly path: string;
  readonly body: object;
  /** How often an upstream may be asked for the same request: texts may be made once more, what costs much may not. */
  readonly starts: number;
}

const video = (name: string): Work => ({
  path: "/v1/videos",
  body: { model: `video/sim-job-${name}`, prompt: "a cat", seconds: "4" },
  starts: 1,
});
const messages = [{ role: "user", content: "Say hello." }];
/** Kinds of work; of each kind the first is the one whose steps are counted. */
const kinds: readonly (readonly Work[])[] = [
  ["run-150", "run-150", "fail", "poll-429", "create-lost", "queue-100"].map(video),
  ["sim-plain", "sim-status-400"].map((model) => ({
    path: "/v1/images/generations",
    body: { model: `image/${model}`, prompt: "a cat" },
    starts: 1,
  })),
  ["gpt-4o", "sim-slow-first-token-300"].map((model) => ({
    path: "/v1/chat/completions",
    body: { model, messages, max_tokens: 20 },
    starts: 2,
  })),
  [{ path: "/v1/responses", body: { model: "gpt-4o", input: "Say hello.", background: true }, starts: 2 }],
];

/** A job as the service, ledger and history know it. */
interface Known {
  readonly request_id: bigint;
  readonly phase: number;
  readonly state: number;
  readonly status: number | null;
  readonly charges: number;
  readonly releases: number;
  readonly amount: bigint;
  readonly billed: bigint;
}

const known = statement(
  "job_steps_known",
  `select j.request_id, j.phase, j.state, r.status, coalesce(r.billed_nano_usd, 0) as billed,
     (select count(*)::int from billing.ledger l where l.entry_id = j.request_id and l.kind = 1) as charges,
     (select count(*)::int from billing.ledger l where l.entry_id = j.request_id and l.kind = 2) as releases,
     (select coalesce(sum(l.amount), 0)::bigint from billing.ledger l where l.entry_id = j.request_id) as amount
   from jobs.job j left join history.record r using (request_id)`,
);
const open = statement("job_steps_open", "select count(*)::int as n from jobs.job where phase < 4");
const unrecorded = statement(
  "job_steps_unrecorded",
  `select l.entry_id from billing.ledger l
   where l.kind in (1, 2) and not exists (select from history.record r where r.request_id = l.entry_id) limit 20`,
);

/** What a client was told of a job that it asked for. */
interface Told {
  /** 0: no head came. */
  readonly status: number;
  readonly id: bigint;
}

let roles: Roles;
let postgres: EmbeddedPostgres;
let dataDir = "";
/** Decides about each piece that passes a gate; undefined: all pass. */
let onPiece: (() => boolean) | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "throughline-job-steps-"));
  postgres = await startEmbeddedPostgres({ dataDir, log: silentLog });
  roles = await startRoles(
    {
      JOBS_FIRST_POLL: "100ms",
      JOBS_MAX_POLL: "200ms",
      RESERVATION_TTL_MS: "20s",
      SWEEP_INTERVAL_MS: "500ms",
      RECONCILE_LAG_MS: "5s",
      RECONCILE_INTERVAL_MS: "500ms",
      LOG_LEVEL: "fatal",
    },
    { databaseUrl: postgres.url, watch: () => onPiece?.() ?? false },
  );
}, 120_000);
afterAll(async () => {
  await roles?.[Symbol.asyncDispose]();
  await postgres?.stop();
  await rm(dataDir, { recursive: true, force: true });
}, 60_000);

async function begin({ path, body }: Work): Promise<Told> {
  try {
    const response = await roles.call(path, body, { prefer: "respond-async" });
    const id = BigInt(response.headers.get("request-id") ?? 0);
    await response.arrayBuffer();
    return { status: response.status, id };
  } catch {
    return { status: 0, id: 0n };
  }
}

const openJobs = async () => (await roles.db.query<{ n: number }>(open, []).catch(() => []))[0]?.n;
const allEnded = (withinMs: number) => eventually(async () => ((await openJobs()) === 0 ? true : undefined), withinMs);

async function kill(who: readonly Victim[]): Promise<void> {
  if (who.includes("postgres")) {
    const [pid] = (await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n");
    process.kill(Number(pid), "SIGKILL");
  }
  await roles.kill(...who.filter((one): one is Role & Victim => one !== "postgres"));
}

/** Begins a job, stops the piece of this number that passes from then on, kills, and lets go on what waits. */
async function killAt(step: number, who: readonly Victim[], work: Work): Promise<Told> {
  const reached = Promise.withResolvers<void>();
  let seen = 0;
  onPiece = () => {
    seen += 1;
    if (seen === step) reached.resolve();
    return seen === step;
  };
  const told = begin(work);
  // A job that came to its end in fewer steps has nothing more to be killed at.
  const ended = told.then(() => allEnded(20_000)).catch(() => undefined);
  await Promise.race([reached.promise, ended]);
  await kill(who);
  onPiece = undefined;
  roles.openAll();
  await roles.start(who.filter((one): one is Role & Victim => one !== "postgres"));
  return told;
}

test(
  `kill -9 at ${runs} steps: each job ends, is charged once if it succeeded and else is free, and no client was told otherwise`,
  async () => {
    const told: Told[] = [];
    const steps: number[] = [];
    for (const [first] of kinds) {
      if (first === undefined) continue;
      let count = 0;
      onPiece = () => {
        count += 1;
        return false;
      };
      told.push(await begin(first));
      await allEnded(20_000);
      steps.push(count);
    }
    const lives = fc.sample(
      fc.record({ who: fc.subarray([...victims], { minLength: 1, maxLength: 2 }), pick: fc.nat() }),
      { numRuns: runs, seed: Number(process.env.SEED ?? Date.now()) },
    );
    for (const [n, { who, pick }] of lives.entries()) {
      // The kinds take turns, and the kills of each are spread over its whole walk: chance would leave steps out.
      const works = kinds[n % kinds.length] ?? [];
      const work = works[pick % works.length];
      if (work === undefined) continue;
      const walk = steps[n % kinds.length] ?? 1;
      const [turn, turns] = [Math.floor(n / kinds.length), Math.ceil(lives.length / kinds.length)];
      told.push(await killAt(1 + Math.floor((turn * walk) / turns), who, work));
    }
    // A start that died with its process is given up after its own time.
    await allEnded(150_000);
    await eventually(async () => ((await roles.db.query(unrecorded, [])).length === 0 ? true : undefined), 60_000);
    await expectSoundBooks(roles, 60_000);

    const rows = await roles.db.query<Known>(known, []);
    const byId = new Map(rows.map((row) => [row.request_id, row]));
    for (const row of rows) {
      const succeeded = row.state === 4;
      expect(row).toMatchObject({
        ...{ phase: 4, status: row.state, billed: -row.amount },
        ...(succeeded ? { charges: 1 } : { charges: 0, amount: 0n }),
      });
      expect([row.request_id, row.amount < 0n]).toEqual([row.request_id, succeeded]);
    }
    const faults = told.flatMap((one) => {
      const row = byId.get(one.id);
      if ((one.status === 200 || one.status === 202) && row === undefined) return [`${one.id}: begun, and nowhere`];
      if (one.status >= 400 && row?.state === 4) return [`${one.id}: refused with ${one.status}, and charged`];
      return [];
    });
    expect(faults).toEqual([]);
    // A background response is a chat at this upstream.
    const most = new Map(
      kinds.flat().map(({ path, starts }) => [path.replace("/responses", "/chat/completions"), starts]),
    );
    const starts = new Map<string, number>();
    for (const { method, path, clientRequestId } of roles.simulator.requests) {
      if (method !== "POST" || !most.has(path)) continue;
      const asked = `${path} ${clientRequestId}`;
      starts.set(asked, (starts.get(asked) ?? 0) + 1);
    }
    expect([...starts].filter(([asked, count]) => count > (most.get(asked.split(" ")[0] ?? "") ?? 1))).toEqual([]);
    const answers = told.filter(({ status }) => status === 200 || status === 202).length;
    const ended = rows.filter(({ state }) => state === 4).length;
    process.stdout.write(
      `${runs} kills over ${steps.join(", ")} steps: ${rows.length} jobs, ${ended} succeeded, ${answers} answers\n`,
    );
  },
  120_000 + runs * 30_000,
);
