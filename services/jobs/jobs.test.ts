import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { type Job, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { beginTestJob, createWorld, owner, startTestJobs, type World } from "./testing.ts";

let postgres: TestPostgres;
let world: World;
let jobs: Awaited<ReturnType<typeof startTestJobs>>;

beforeAll(async () => {
  postgres = await testPostgres();
  world = createWorld();
  jobs = await startTestJobs(postgres.url, world);
});
afterAll(async () => {
  await jobs?.stop();
  await postgres?.stop();
});

const call = { requestId: 1n, timeoutMs: 10_000 };

async function read(requestId: bigint): Promise<Job> {
  const { job } = await jobs.client.getJob({ owner, requestId }, call);
  if (job === undefined) throw new Error("no job came");
  return job;
}

/** Waits until the job's end is settled and recorded. */
async function closed(requestId: bigint): Promise<Job> {
  for (;;) {
    const last = world.recorded.findLast((record) => record.requestId === requestId);
    if (last !== undefined && last.status >= RecordStatus.SUCCEEDED) return read(requestId);
    await delay(5);
  }
}

function finalOf(requestId: bigint) {
  return world.recorded.findLast((record) => record.requestId === requestId);
}

describe("a job", () => {
  test("is queued, runs, succeeds, and is charged once by what its start said where its end says nothing", async () => {
    const reports = [
      { state: "queueing" },
      { state: "processing", progressPercent: 40 },
      { state: "unknown", word: "ODD" },
    ];
    world.vendor = (action, count) =>
      action === "start"
        ? { state: "queueing" }
        : ((reports[count] as { state: "queueing" }) ?? {
            state: "succeeded",
            seconds: 4,
            expiresUnixMs: 1_796_001_300_000,
          });
    const { requestId, state, vendorJobId } = await beginTestJob(jobs.client);
    expect([state, vendorJobId]).toEqual([JobState.QUEUEING, `vendor-${requestId}`]);
    const job = await closed(requestId);
    expect(job).toMatchObject({
      state: JobState.SUCCEEDED,
      progressPercent: 100,
      resultMs: 4_000n,
      expiresUnixMs: 1_796_001_300_000n,
    });
    expect(world.settled.get(requestId)).toMatchObject({
      accountId: 7n,
      case: SettleCase.SUCCEEDED,
      usage: { more: [{ unit: 24, amount: 4_000n }] },
    });
    const states = world.recorded.filter((record) => record.requestId === requestId).map(({ status }) => status);
    expect(states).toEqual([RecordStatus.QUEUEING, RecordStatus.PROCESSING, RecordStatus.SUCCEEDED]);
    expect(finalOf(requestId)).toMatchObject({
      upstreamRequestId: vendorJobId,
      billedNanoUsd: 5n,
      dialect: "openai.videos",
    });
  });

  test("that the vendor refuses is the error of the request, free and on the record", async () => {
    world.vendor = () => ({ error: "content_filtered" });
    const requestId = 5_000n;
    await expect(beginTestJob(jobs.client, { requestId })).rejects.toMatchObject({ code: "content_filtered" });
    const job = await closed(requestId);
    expect(job.error).toMatchObject({ code: "content_filtered" });
    expect(world.settled.get(requestId)?.case).toBe(SettleCase.FAILED);
    expect(finalOf(requestId)).toMatchObject({ status: RecordStatus.FAILED, errorCode: "content_filtered" });
  });

  test("whose start was lost is never begun again", async () => {
    world.vendor = () => "lost";
    const requestId = 5_001n;
    await expect(beginTestJob(jobs.client, { requestId })).rejects.toMatchObject({ code: "upstream_outcome_unknown" });
    await closed(requestId);
    expect(world.asked.get(`start ${requestId}`)).toBe(1);
    expect(world.settled.get(requestId)?.case).toBe(SettleCase.FAILED);
  });

  test("is one job however often its request comes", async () => {
    world.vendor = (action) => (action === "start" ? { state: "processing" } : { state: "processing" });
    const first = await beginTestJob(jobs.client, { requestId: 5_002n });
    const again = await beginTestJob(jobs.client, { requestId: 5_002n });
    expect(again.vendorJobId).toBe(first.vendorJobId);
    expect(world.asked.get("start 5002")).toBe(1);
    world.vendor = () => ({ state: "succeeded" });
    await closed(5_002n);
  });

  test("goes on where the vendor cannot be asked for a while", async () => {
    world.vendor = (action, count) =>
      action === "start" ? { state: "queueing" } : count < 3 ? { error: "upstream_error" } : { state: "succeeded" };
    const { requestId } = await beginTestJob(jobs.client);
    expect((await closed(requestId)).state).toBe(JobState.SUCCEEDED);
    expect(world.asked.get(`poll ${requestId}`)).toBe(3);
  });

  test("that does not end within its time is asked after once more, cancelled and free", async () => {
    world.vendor = () => ({ state: "processing" });
    const { requestId } = await beginTestJob(jobs.client, { lifeMs: 60 });
    expect((await closed(requestId)).error).toMatchObject({ code: "expired" });
    expect(world.asked.get(`cancel ${requestId}`)).toBe(1);
    expect(world.settled.get(requestId)?.case).toBe(SettleCase.FAILED);
  });

  test("that was given up is cancelled, though its vendor knows it no longer then", async () => {
    let givenUp = false;
    world.vendor = (action) => {
      if (action === "start" || (action === "poll" && !givenUp)) return { state: "processing" };
      givenUp = true;
      const code = action === "cancel" ? "cancelled" : "expired";
      return { state: "failed", failure: { code, message: "It is over." } };
    };
    const { requestId } = await beginTestJob(jobs.client);
    await jobs.client.cancelJob({ owner, requestId }, call);
    expect((await closed(requestId)).error).toMatchObject({ code: "cancelled" });
    givenUp = false;
    const late = await beginTestJob(jobs.client, { lifeMs: 60 });
    expect((await closed(late.requestId)).error).toMatchObject({ code: "expired" });
  });

  test("that is cancelled ends as the vendor says: given up and free, or finished and charged", async () => {
    let cancelled = false;
    world.vendor = (action) => {
      if (action === "cancel") cancelled = true;
      return cancelled
        ? { state: "failed", failure: { code: "cancelled", message: "It was cancelled." } }
        : { state: "processing" };
    };
    const first = await beginTestJob(jobs.client);
    await jobs.client.cancelJob({ owner, requestId: first.requestId }, call);
    expect((await closed(first.requestId)).error).toMatchObject({ code: "cancelled" });
    expect(world.settled.get(first.requestId)?.case).toBe(SettleCase.FAILED);

    world.vendor = (action) =>
      action === "cancel"
        ? { error: "not_implemented" }
        : action === "start"
          ? { state: "processing" }
          : { state: "succeeded" };
    const second = await beginTestJob(jobs.client);
    await jobs.client.cancelJob({ owner, requestId: second.requestId }, call);
    expect((await closed(second.requestId)).state).toBe(JobState.SUCCEEDED);
    expect(world.settled.get(second.requestId)?.case).toBe(SettleCase.SUCCEEDED);
  });

  test("of another account, key or user is as one that is not there", async () => {
    world.vendor = () => ({ state: "succeeded" });
    const { requestId } = await beginTestJob(jobs.client);
    await closed(requestId);
    for (const other of [{ accountId: 8n }, { ...owner, keyId: 4n }, { ...owner, userId: "u" }]) {
      for (const method of ["getJob", "cancelJob", "deleteJob"] as const) {
        await expect(jobs.client[method]({ owner: other, requestId }, call)).rejects.toMatchObject({
          code: "not_found",
        });
      }
      const { jobs: listed } = await jobs.client.listJobs({ owner: other, limit: 10 }, call);
      expect(listed).toEqual([]);
    }
    await jobs.client.deleteJob({ owner, requestId }, call);
    await expect(read(requestId)).rejects.toMatchObject({ code: "not_found" });
  });

  test("is listed page by page in both directions", async () => {
    world.vendor = () => ({ state: "succeeded" });
    const ids: bigint[] = [];
    for (let n = 0; n < 3; n++) ids.push((await beginTestJob(jobs.client)).requestId);
    const page = async (after: bigint, ascending: boolean) => {
      const { jobs: found, hasMore } = await jobs.client.listJobs(
        { owner, afterRequestId: after, limit: 2, ascending },
        call,
      );
      return [found.map((job) => job.requestId), hasMore];
    };
    expect(await page(0n, false)).toEqual([[ids[2], ids[1]], true]);
    expect(await page(ids[0] ?? 0n, true)).toEqual([[ids[1], ids[2]], false]);
    for (const id of ids) await closed(id);
  });
});

test("jobs that hold a reservation have it extended, and a process that starts finds what another left", async () => {
  world.vendor = () => ({ state: "processing" });
  const { requestId } = await beginTestJob(jobs.client);
  await jobs.stop();
  world.extended.delete(requestId);
  world.vendor = () => ({ state: world.extended.has(requestId) ? "succeeded" : "processing" });
  jobs = await startTestJobs(postgres.url, world);
  expect((await closed(requestId)).state).toBe(JobState.SUCCEEDED);
  expect(world.extended.has(requestId)).toBe(true);
});
