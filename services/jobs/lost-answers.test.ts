import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createDatabase, type Database, statement } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { BatchApi, BatchState } from "../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { beginTestCall, beginTestJob, owner, startTestJobs } from "./testing.ts";
import { beginTestBatch } from "./testing-batch.ts";
import { type LosingRelay, startLosingRelay } from "./testing-relay.ts";
import { createWorld, type World } from "./testing-world.ts";

/*
 * PostgreSQL breaks off, or is away, in the moment in which something is noted that cannot be done again. A vendor is asked once,
 * and what it answered is kept; nothing is held for ever by a worker that does not know of it.
 */

let postgres: TestPostgres;
let relay: LosingRelay;
let db: Database<unknown>;
let world: World;
let jobs: Awaited<ReturnType<typeof startTestJobs>>;
beforeAll(async () => {
  postgres = await testPostgres();
  relay = await startLosingRelay(postgres.url);
  db = createDatabase({ url: postgres.url, schema: "jobs", applicationName: "test", log: silentLog });
  world = createWorld();
  jobs = await startTestJobs(relay.url, world);
});
afterAll(async () => {
  relay?.mend();
  await jobs?.stop();
  await db?.close();
  await relay?.[Symbol.asyncDispose]();
  await postgres?.stop();
});

const call = { requestId: 1n, timeoutMs: 20_000 };
const patience = { timeout: 20_000, interval: 20 };

async function succeeded(requestId: bigint): Promise<void> {
  await vi.waitFor(async () => {
    const { job } = await jobs.client.getJob({ owner, requestId }, call);
    expect(job?.state).toBe(JobState.SUCCEEDED);
  }, patience);
}

test("a vendor's word that it has a job is noted when PostgreSQL is back", async () => {
  const { promise: until, resolve: answer } = Promise.withResolvers<void>();
  world.vendor = (action) =>
    action === "start" ? until.then(() => ({ state: "queueing" as const })) : { state: "succeeded", seconds: 4 };
  const requestId = 7_001n;
  const begun = beginTestJob(jobs.client, { requestId });
  await vi.waitFor(() => expect(world.asked.get(`start ${requestId}`)).toBe(1), patience);
  relay.cut();
  answer();
  // A connection is waited for so long.
  await delay(5_500);
  relay.mend();
  await begun;
  await succeeded(requestId);
  expect(world.asked.get(`start ${requestId}`)).toBe(1);
});

describe("whoever holds it says so before another judges that it was lost, though its lease is over:", () => {
  const lapse = statement(
    "lapse",
    `update jobs.job set wake_at = now() - interval '1 s', lease_until = case when kind = 2 then now() - interval '1 s' end
      where request_id = $1 and misses = 0`,
  );
  const doubted = statement("doubted", "select misses from jobs.job where request_id = $1");
  const misses = async (requestId: bigint) =>
    (await db.query<{ misses: number }>(doubted, [requestId])).map((row) => row.misses);

  test.for(["start", "call"] as const)("a %s", async (kind) => {
    const { promise: until, resolve: answer } = Promise.withResolvers<void>();
    world.vendor = (action) =>
      action === "start" ? until.then(() => ({ state: "queueing" as const })) : { state: "succeeded", seconds: 4 };
    world.upstream = () => ({ pieces: [Buffer.from("{}")], until });
    const requestId = kind === "start" ? 7_002n : 7_003n;
    const begun =
      kind === "start" ? beginTestJob(jobs.client, { requestId }) : beginTestCall(jobs.client, { requestId });
    await vi.waitFor(() => expect(world.asked.get(`${kind} ${requestId}`)).toBe(1), patience);
    await vi.waitFor(async () => {
      // Its holder may be quicker than who looks for what has lapsed.
      await db.query(lapse, [requestId]);
      expect(await misses(requestId)).toEqual([1]);
    }, patience);
    await vi.waitFor(async () => expect(await misses(requestId)).toEqual([0]), patience);
    answer();
    await begun;
    await succeeded(requestId);
    expect(world.asked.get(`${kind} ${requestId}`)).toBe(1);
  });
});

test.for(["jobs_lines_claim", "jobs_lines_end", "jobs_lines_claim_ended"])(
  "a batch ends, each of its lines asked for once, where the answer of %s was lost",
  async (name) => {
    world.upstream = () => ({ pieces: [Buffer.from("{}")] });
    // Closing fails once, so that a line is taken to be closed.
    let faults = name === "jobs_lines_claim_ended" ? 1 : 0;
    world.fault = (service) => {
      if (service === "settle" && faults-- > 0) throw new Error("billing is away");
    };
    const lost = relay.loseAnswer(name);
    const { id, lines } = await beginTestBatch(jobs.client, 3);
    await lost;
    await vi.waitFor(async () => {
      const { batch } = await jobs.client.getBatch({ owner, api: BatchApi.OPENAI, batchId: id }, call);
      expect(batch?.state).toBe(BatchState.ENDED);
    }, patience);
    expect(lines.map((line) => world.asked.get(`call ${line}`))).toEqual(lines.map(() => 1));
    expect(lines.every((line) => world.settled.has(line))).toBe(true);
  },
);
