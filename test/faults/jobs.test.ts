import { afterAll, beforeAll, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { adminKey, expectSoundBooks } from "../e2e/administration.ts";
import { type Deployment, eventually, startDeployment } from "../e2e/deployment.ts";

/*
 * kill -9 of each process while jobs are begun, run and end. JOBS: how many (60); by hand 1,000 and more.
 */

const jobs = Number(process.env.JOBS ?? 60);
const roles = ["jobs", "provider-adapter", "billing", "gateway"];
const models = ["video/sim-job-run-300", "video/sim-job-fail", "video/sim-job-poll-429", "video/sim-job-create-lost"];

const open = statement("job_kill_open", "select request_id from jobs.job where phase < 4 limit 1");
const ends = statement(
  "job_kill_ends",
  `select j.request_id, j.state, j.vendor_job_id, r.status,
     (select count(*)::int from billing.ledger l where l.entry_id = j.request_id and l.kind = 1) as charges,
     (select sum(l.amount) from billing.ledger l where l.entry_id = j.request_id) as amount
   from jobs.job j left join history.record r using (request_id)`,
);

let house: Deployment;
beforeAll(async () => {
  house = await startDeployment("mesh", {
    THROUGHLINE_ADMIN_KEY: adminKey,
    JOBS_FIRST_POLL: "100ms",
    JOBS_MAX_POLL: "200ms",
    RESERVATION_TTL_MS: "20s",
    SWEEP_INTERVAL_MS: "500ms",
    RECONCILE_LAG_MS: "5s",
    RECONCILE_INTERVAL_MS: "500ms",
    LOG_LEVEL: "error",
  });
}, 90_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

/** Begins a job as a client does that tries again where the platform is not there. */
async function begin(body: object): Promise<unknown> {
  return eventually(async () => {
    const response = await house.call("/v1/videos", body).catch(() => undefined);
    await response?.arrayBuffer().catch(() => undefined);
    return response === undefined || response.status === 503 ? undefined : response.status;
  }, 60_000);
}

test("whoever is killed: each job comes to its end, charged once if it succeeded and never if it failed", async () => {
  const begun: Promise<unknown>[] = [];
  for (let n = 0; n < jobs; n++) {
    const body = { model: models[n % models.length], prompt: "a cat", seconds: "4" };
    begun.push(begin(body));
    if (n % Math.ceil(jobs / roles.length) === Math.ceil(jobs / roles.length) - 1) {
      const role = roles[Math.floor(n / Math.ceil(jobs / roles.length))] ?? "jobs";
      const pid = house.pid(role);
      process.kill(pid, "SIGKILL");
      await eventually(() => (house.pid(role) !== pid ? true : undefined));
      await eventually(async () => {
        const response = await house.call("/readyz").catch(() => undefined);
        return response?.ok ? true : undefined;
      }, 30_000);
    }
  }
  await Promise.all(begun);
  // A start that died with its process is given up after its own time.
  await eventually(async () => ((await house.db.query(open, [])).length === 0 ? true : undefined), 120_000);
  await expectSoundBooks(house, 60_000);
  const rows = await house.db.query<{
    state: number;
    status: number | null;
    charges: number;
    amount: string | null;
    vendor_job_id: string;
  }>(ends, []);
  expect(rows.length).toBeGreaterThanOrEqual(jobs / 2);
  for (const row of rows) {
    const succeeded = row.state === 4;
    expect(row).toMatchObject({ status: row.state, charges: succeeded ? 1 : 0 });
    expect([row.state, Number(row.amount) < 0]).toEqual([row.state, succeeded]);
  }
  const vendorIds = rows.map((row) => row.vendor_job_id).filter((id) => id !== "");
  expect(new Set(vendorIds).size).toBe(vendorIds.length);
}, 240_000);
