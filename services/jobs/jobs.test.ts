import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createDatabase, statement } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { type Job, JobKind, type JobOwnerSchema, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { firstIdAt, toParts, traceIdOf } from "../../shared/request-id.ts";
import { beginTestJob, owner, startTestJobs } from "./testing.ts";
import { createWorld, type World } from "./testing-world.ts";

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

const read = (requestId: bigint): Promise<Job> => readOf(owner, requestId);

async function readOf(whose: MessageInitShape<typeof JobOwnerSchema>, requestId: bigint): Promise<Job> {
  const { job } = await jobs.client.getJob({ owner: whose, requestId }, call);
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

  test("that the vendor refuses says which field it refuses, to the request and to whoever asks later", async () => {
    const says = { param: "seconds", httpStatus: 422, upstreamRequestId: "req_vendor" };
    world.vendor = () => ({ error: "invalid_value", says });
    const requestId = 5_050n;
    await expect(beginTestJob(jobs.client, { requestId })).rejects.toMatchObject({ code: "invalid_value", ...says });
    expect((await closed(requestId)).error).toMatchObject({ code: "invalid_value", ...says });
  });

  test("whose provider was never reached has not begun, which is certain", async () => {
    world.vendor = () => "unsent";
    const requestId = 5_051n;
    await expect(beginTestJob(jobs.client, { requestId })).rejects.toMatchObject({ code: "service_unavailable" });
    expect((await closed(requestId)).error).toMatchObject({ code: "service_unavailable" });
    expect(world.settled.get(requestId)?.case).toBe(SettleCase.FAILED);
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

test("one trace shows a job from its request to its end: what is asked of its vendor is below it, and what happened is on it", async () => {
  world.vendor = (action, count) =>
    action === "start"
      ? { state: "queueing" }
      : count < 3
        ? { state: "processing" }
        : { state: "failed", failure: { code: "upstream_error", message: "It broke." } };
  const { requestId } = await beginTestJob(jobs.client);
  await closed(requestId);
  const find = async () =>
    (await jobs.spans()).find(({ traceId, name }) => traceId === traceIdOf(requestId) && name === "throughline.job");
  let span = await find();
  while (span === undefined) {
    await delay(5);
    span = await find();
  }
  expect(span).toMatchObject({
    parentSpanId: requestId.toString(16).padStart(16, "0"),
    failed: "It broke.",
    attributes: {
      "throughline.request_id": requestId.toString(),
      "throughline.module": "video",
      "throughline.channel": "stub",
      "throughline.job.vendor_id": `vendor-${requestId}`,
      "throughline.job.polls": 2,
      "throughline.job.outcome": "upstream_error",
      "error.type": "upstream_error",
    },
    events: ["queueing", "processing", "upstream_error"].map((name) => `throughline.job.${name}`),
  });
  expect(span.durationMs).toBeGreaterThan(20);
  const contexts = world.contexts.get(requestId) ?? [];
  expect(contexts).toHaveLength(4);
  expect(new Set(contexts)).toEqual(new Set([`00-${span.traceId}-${span.spanId}-01`]));
});

test("a list has those of the jobs that its filters name, in its order, to everybody's and to an account's reader alike", async () => {
  world.vendor = (action, _count, id) =>
    action === "start" ? { state: "queueing" } : id % 2n === 0n ? { state: "failed" } : { state: "processing" };
  const made: bigint[] = [];
  for (let n = 0; n < 6; n++) {
    const at = firstIdAt(Date.now() - 3_600_000) + BigInt(n) * (1n << 22n) * 1_000n + BigInt(n);
    const { requestId } = await beginTestJob(jobs.client, { requestId: at, accountId: n < 3 ? 21n : 22n });
    made.push(requestId);
    if (requestId % 2n === 0n) while (finalOf(requestId)?.status !== RecordStatus.FAILED) await delay(5);
    else while (finalOf(requestId)?.status !== RecordStatus.PROCESSING) await delay(5);
  }
  const about = await Promise.all(made.map((id) => readOf({ everybody: true }, id)));
  expect(new Set(about.map(({ state }) => state))).toEqual(new Set([JobState.PROCESSING, JobState.FAILED]));
  const times = made.map((id) => toParts(id).unixMs);
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        account: fc.constantFrom(0n, 21n, 22n),
        states: fc.subarray<JobState>([JobState.PENDING, JobState.PROCESSING, JobState.SUCCEEDED, JobState.FAILED]),
        kind: fc.constantFrom(JobKind.UNSPECIFIED, JobKind.VENDOR, JobKind.CALL),
        from: fc.constantFrom(0, ...times),
        to: fc.constantFrom(0, ...times),
        after: fc.constantFrom(0n, ...made),
        ascending: fc.boolean(),
        limit: fc.integer({ min: 1, max: 7 }),
      }),
      async ({ account, states, kind, from, to, after, ascending, limit }) => {
        const whose = account === 0n ? { everybody: true } : { accountId: account };
        const asked = { states, kind, fromUnixMs: BigInt(from), toUnixMs: BigInt(to), afterRequestId: after };
        const { jobs: found, hasMore } = await jobs.client.listJobs({ owner: whose, ...asked, ascending, limit }, call);
        const wanted = about
          .filter(({ accountId }) => account === 0n || accountId === account)
          .filter(({ state }) => states.length === 0 || states.includes(state))
          .filter(() => kind !== JobKind.CALL)
          .map(({ requestId }) => requestId)
          .filter((id) => from === 0 || toParts(id).unixMs >= from)
          .filter((id) => to === 0 || toParts(id).unixMs < to)
          .filter((id) => after === 0n || (ascending ? id > after : id < after));
        if (!ascending) wanted.reverse();
        // The jobs of the other tests are older, and are everybody's too.
        const own = found.map(({ requestId }) => requestId).filter((id) => made.includes(id));
        if (account !== 0n || !ascending) expect(own).toEqual(wanted.slice(0, limit));
        if (account !== 0n) expect(hasMore).toBe(wanted.length > limit);
      },
    ),
    { numRuns: 150 },
  );
  world.vendor = () => ({ state: "succeeded" });
  for (const id of made) if (id % 2n === 1n) while (finalOf(id)?.status !== RecordStatus.SUCCEEDED) await delay(5);
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

test("reservations of jobs are extended while a store takes its time to delete objects", async () => {
  await jobs.stop();
  const other = createDatabase<unknown>({
    ...{ url: postgres.url, schema: "jobs", applicationName: "holds objects", log: silentLog },
  });
  const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
  const { promise: until, resolve: letGo } = Promise.withResolvers<void>();
  const holding = other.transaction(async (trx) => {
    await trx.query(statement("hold_objects", "lock table jobs.object in access exclusive mode"), []);
    held();
    await until;
  });
  await isHeld;
  jobs = await startTestJobs(postgres.url, world, { extendEveryMs: 50 });
  world.vendor = () => ({ state: "processing" });
  const { requestId } = await beginTestJob(jobs.client);
  await vi.waitFor(() => expect(world.extended.has(requestId)).toBe(true), { timeout: 5_000, interval: 20 });
  letGo();
  await holding;
  await other.close();
  world.vendor = () => ({ state: "succeeded" });
  await closed(requestId);
});

describe("a machine whose clock is not PostgreSQL's", () => {
  afterEach(() => vi.useRealTimers());

  test.for([-3_600_000, 3_600_000])(
    "and %i ms off asks after jobs in time and ends none before its own",
    async (byMs) => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + byMs });
      world.vendor = (action, count) => {
        if (action === "start") return { state: "queueing" };
        // The next moment to ask is further off than a worker waits for, so that the row keeps it.
        if (count === 1) return { error: "upstream_overloaded", httpStatus: 429, retryAfterMs: 1_500 };
        return { state: "succeeded", seconds: 4 };
      };
      const { requestId } = await beginTestJob(jobs.client);
      expect((await closed(requestId)).state).toBe(JobState.SUCCEEDED);
    },
  );
});
