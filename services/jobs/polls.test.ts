import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase, statement } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { type Job, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { readFigures } from "./db/figures.ts";
import type { JobsDatabase } from "./db/open.ts";
import { slowDown, takeMoments } from "./db/pace.ts";
import { beginTestJob, owner, startTestJobs } from "./testing.ts";
import { type Answer, createWorld, type World } from "./testing-world.ts";

/* How vendors are asked after their jobs: what they say that is no state, at which pace, and after many by one question. */

let postgres: TestPostgres;
let db: JobsDatabase;
let world: World;
let jobs: Awaited<ReturnType<typeof startTestJobs>>;

const graceMs = 300;
const call = { requestId: 1n, timeoutMs: 10_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  world = createWorld();
  jobs = await startTestJobs(postgres.url, world, { channelGraceMs: graceMs, channelPollsPerSecond: 10_000 });
  db = createDatabase<unknown>({ url: postgres.url, schema: "jobs", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  await db?.close();
  await jobs?.stop();
  await postgres?.stop();
});
beforeEach(() => {
  world.askedTogether.length = 0;
  world.askedAtMs.length = 0;
  world.together = () => [];
});

async function read(requestId: bigint): Promise<Job> {
  const { job } = await jobs.client.getJob({ owner, requestId }, call);
  if (job === undefined) throw new Error("no job came");
  return job;
}

async function closed(requestId: bigint): Promise<Job> {
  const isFinal = () =>
    world.recorded.some((record) => record.requestId === requestId && record.status >= RecordStatus.SUCCEEDED);
  while (!isFinal()) await delay(5);
  return read(requestId);
}

async function takeMoment(channel: string) {
  const [moment] = await takeMoments(db, channel, 100, 1);
  if (moment === undefined) throw new Error("no moment came");
  return moment;
}

async function inTrouble(requestId: bigint): Promise<Job> {
  for (;;) {
    const job = await read(requestId);
    if (job.trouble !== "") return job;
    await delay(5);
  }
}

const forgotten: Answer = {
  state: "failed",
  forgotten: true,
  failure: { code: "expired", message: "It is not known." },
};
const done: Answer = { state: "succeeded", seconds: 4 };

describe("what a vendor says that is no state of a job", () => {
  /** Its answers, the trouble that operators are shown meanwhile, and the end. */
  const table: Readonly<Record<string, readonly [answers: readonly Answer[], trouble: string, end: string]>> = {
    "does not find it once, and finds it again": [[forgotten, forgotten, done], "job_unknown", "succeeded"],
    "does not find it again and again": [[forgotten], "job_unknown", "expired"],
    "does not find it, then cannot be asked, then does not find it": [
      [forgotten, { error: "upstream_error" }, forgotten],
      "job_unknown",
      "expired",
    ],
    "has a word that nobody knows, then ends it": [
      [...Array<Answer>(5).fill({ state: "unknown", word: "pondering" }), done],
      "word_unknown",
      "succeeded",
    ],
    "has given it up for its age": [
      [{ state: "failed", failure: { code: "expired", message: "It took too long." } }],
      "",
      "expired",
    ],
    "is asked too often": [
      [{ error: "upstream_overloaded", httpStatus: 429, retryAfterMs: 1 }, done],
      "upstream_overloaded",
      "succeeded",
    ],
    "has a fault": [[{ error: "upstream_error", httpStatus: 500 }, done], "upstream_error", "succeeded"],
    "was removed, and is there again": [["channel removed", "channel removed", done], "channel_removed", "succeeded"],
    "was removed": [["channel removed"], "channel_removed", "upstream_outcome_unknown"],
  };

  test.each(Object.entries(table))("%s", async (name, [answers, trouble, end]) => {
    let hold = Promise.withResolvers<void>();
    world.vendor = async (action, count) => {
      if (action === "start") return { state: "processing" };
      // The second question waits until the trouble that the first has brought was seen.
      if (count === 2) await hold.promise;
      return answers[count - 1] ?? answers.at(-1) ?? done;
    };
    const { requestId } = await beginTestJob(jobs.client, { channel: name });
    if (trouble !== "") {
      const job = await inTrouble(requestId);
      expect([job.trouble, job.state]).toEqual([trouble, JobState.PROCESSING]);
      expect(Number(job.troubleSinceUnixMs)).toBeGreaterThan(0);
    }
    hold.resolve();
    const job = await closed(requestId);
    expect(job.error?.code ?? "succeeded").toBe(end);
    expect(job.trouble).toBe("");
    const settled = world.settleCalls.filter((_, n) => world.settledIds[n] === requestId).map((item) => item.case);
    expect(new Set(settled)).toEqual(new Set([end === "succeeded" ? SettleCase.SUCCEEDED : SettleCase.FAILED]));
    hold = Promise.withResolvers<void>();
  });

  test("of a channel that was removed only for a while does not end the job before the grace is over", async () => {
    world.vendor = (action) => (action === "start" ? { state: "processing" } : "channel removed");
    const beganMs = Date.now();
    const { requestId } = await beginTestJob(jobs.client, { channel: "gone for good" });
    await closed(requestId);
    expect(Date.now() - beganMs).toBeGreaterThanOrEqual(graceMs);
  });

  test("of a channel that was removed ends at once the job whose end was asked for, free", async () => {
    world.vendor = (action) => (action === "start" ? { state: "processing" } : "channel removed");
    const { requestId } = await beginTestJob(jobs.client, { channel: "gone and cancelled" });
    await inTrouble(requestId);
    await jobs.client.cancelJob({ owner, requestId }, call);
    expect((await closed(requestId)).error?.code).toBe("upstream_outcome_unknown");
    expect(world.settled.get(requestId)?.case).toBe(SettleCase.FAILED);
  });
});

describe("a channel", () => {
  test("is asked at its pace, whoever asks and however many jobs it has", async () => {
    const everyMs = 10_000;
    const moments = await (
      await Promise.all([1, 4, 2, 5, 1, 7].map((count) => takeMoments(db, "paced", everyMs, count)))
    ).flat();
    // Each is a moment of its own, whatever time the statements took.
    const turns = moments.map(({ waitMs }) => Math.round(waitMs / everyMs)).sort((a, b) => a - b);
    expect(turns).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(moments.every(({ isSlow }) => !isSlow)).toBe(true);
  });

  test("that is asked too often is left alone for as long as it wants, and is then asked half as often, and so on", async () => {
    await takeMoment("slow");
    await slowDown(db, "slow", 5_000);
    const first = await takeMoment("slow");
    expect(first.isSlow).toBe(true);
    expect(first.waitMs).toBeGreaterThan(4_000);
    const second = await takeMoment("slow");
    expect(Math.round((second.waitMs - first.waitMs) / 50)).toBe(4);
    // Answers of the same pause do not slow it further.
    for (let n = 0; n < 5; n++) await slowDown(db, "slow", 5_000);
    const third = await takeMoment("slow");
    const fourth = await takeMoment("slow");
    expect(Math.round((fourth.waitMs - third.waitMs) / 50)).toBe(4);
    // A vendor cannot stop it for good.
    await slowDown(db, "slow", 10 * 86_400_000);
    expect((await takeMoment("slow")).waitMs).toBeLessThan(400_000);
  });

  test("that is slow gives its jobs moments, and they keep them", async () => {
    world.vendor = (action, count) =>
      action === "start"
        ? { state: "processing" }
        : count === 1
          ? { error: "upstream_overloaded", httpStatus: 429, retryAfterMs: 2_500 }
          : done;
    const first = await beginTestJob(jobs.client, { channel: "busy" });
    await inTrouble(first.requestId);
    const pausedMs = Date.now();
    world.vendor = (action) => (action === "start" ? { state: "processing" } : done);
    const others = [
      await beginTestJob(jobs.client, { channel: "busy" }),
      await beginTestJob(jobs.client, { channel: "busy" }),
    ];
    const elsewhere = await beginTestJob(jobs.client, { channel: "idle" });
    await closed(elsewhere.requestId);
    expect(Date.now() - pausedMs).toBeLessThan(2_000);
    for (const { requestId } of [first, ...others]) await closed(requestId);
    expect(Date.now() - pausedMs).toBeGreaterThan(2_300);
  });
});

test("how it stands with all jobs is told: by state, those that nobody can be asked after, and how long what is due has waited", async () => {
  const before = await readFigures(db);
  world.vendor = (action) => (action === "start" ? { state: "queueing" } : "channel removed");
  const { requestId } = await beginTestJob(jobs.client, { channel: "figures" });
  await inTrouble(requestId);
  const during = await readFigures(db);
  expect([during?.queueing, during?.stranded]).toEqual([(before?.queueing ?? 0) + 1, (before?.stranded ?? 0) + 1]);
  await closed(requestId);
  expect(await readFigures(db)).toMatchObject({ queueing: before?.queueing, stranded: 0, webhooksWaiting: 0 });
  // Work that nobody sees to is shown within seconds.
  await jobs.stop();
  const late = statement(
    "test_late",
    `update jobs.job set phase = 2, state = 3, kind = $2, wake_at = now() - interval '90 s', lease_until = null where request_id = $1`,
  );
  for (const [kind, name, other] of [
    [1, "pollsDueSeconds", "callsDueSeconds"],
    [2, "callsDueSeconds", "pollsDueSeconds"],
  ] as const) {
    await db.query(late, [requestId, kind]);
    const figures = await readFigures(db);
    expect(Math.round((figures?.[name] ?? 0) / 30)).toBe(3);
    expect(figures?.[other]).toBe(0);
  }
  const restore = statement(
    "test_restore",
    "update jobs.job set phase = 4, state = 5, kind = 1, wake_at = null where request_id = $1",
  );
  await db.query(restore, [requestId]);
  jobs = await startTestJobs(postgres.url, world, { channelGraceMs: graceMs, channelPollsPerSecond: 10_000 });
});

describe("jobs of one group", () => {
  const look = statement(
    "test_group",
    "select request_id, polls, poll_group from jobs.job where request_id = any($1::bigint[])",
  );

  async function begin(count: number): Promise<bigint[]> {
    const ids: bigint[] = [];
    for (let n = 0; n < count; n++) ids.push((await beginTestJob(jobs.client, { channel: "many" })).requestId);
    return ids;
  }

  test("are asked after together, and each comes to its own end", async () => {
    world.vendor = (action, _count, id) =>
      action === "start"
        ? { state: "queueing", pollTogether: 8 }
        : id % 2n === 0n
          ? done
          : { state: "failed", failure: { code: "content_filtered", message: "no" } };
    let rounds = 0;
    world.together = (ids) => {
      rounds += 1;
      const vendorJobId = (id: bigint) => `vendor-${id}`;
      if (rounds < 20) return ids.map((id) => ({ vendorJobId: vendorJobId(id), state: "processing" }));
      if (rounds === 20) return { error: "upstream_error", httpStatus: 503 };
      // One is not named, the others are told to have ended; one that nobody asked after changes nothing.
      const [, ...named] = ids;
      return [
        { vendorJobId: "vendor-77", state: "failed" },
        ...named.map((id) => ({
          vendorJobId: vendorJobId(id),
          state: id % 2n === 0n ? ("succeeded" as const) : ("failed" as const),
        })),
      ];
    };
    const ids = await begin(20);
    for (const id of ids) {
      const job = await closed(id);
      expect([id, job.error?.code]).toEqual([id, id % 2n === 0n ? undefined : "content_filtered"]);
      // The vendor was asked for this job alone before it was charged.
      expect(world.asked.get(`poll ${id}`)).toBeGreaterThanOrEqual(1);
    }
    expect(Math.max(...world.askedTogether.map((asked) => asked.length))).toBe(8);
    for (const asked of world.askedTogether) expect(new Set(asked).size).toBe(asked.length);
    const rows = await db.query<{ polls: number }>(look, [ids]);
    const polls = rows.reduce((sum, row) => sum + row.polls, 0);
    expect(world.askedAtMs.length).toBeLessThan(polls);
  });

  test("whose vendor documents no such question are asked after alone", async () => {
    world.vendor = (action, count) => (action === "start" || count < 3 ? { state: "processing" } : done);
    for (const id of await begin(5)) await closed(id);
    expect(world.askedTogether).toEqual([]);
  });
});
