import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, statement } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { JobKind, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { beginTestCall, owner, resultOf, startTestJobs } from "./testing.ts";
import { createWorld, type World } from "./testing-world.ts";

/* Own calls: what jobs itself has answered by an upstream, and keeps. */

let postgres: TestPostgres;
let world: World;
let jobs: Awaited<ReturnType<typeof startTestJobs>>;

beforeAll(async () => {
  postgres = await testPostgres();
  world = createWorld();
  jobs = await startTestJobs(postgres.url, world, { accountCallsAtOnce: 2, callsAtOnce: 3, shutdownGraceMs: 100 });
});
afterAll(async () => {
  await jobs?.stop();
  await postgres?.stop();
});

const call = { requestId: 1n, timeoutMs: 10_000 };

async function read(requestId: bigint) {
  const { job } = await jobs.client.getJob({ owner, requestId }, call);
  if (job === undefined) throw new Error("no job came");
  return job;
}

function finalOf(requestId: bigint) {
  return world.recorded.findLast((record) => record.requestId === requestId && record.status >= RecordStatus.SUCCEEDED);
}

async function closed(requestId: bigint) {
  while (finalOf(requestId) === undefined) await delay(5);
  return read(requestId);
}

async function callsOf(requestId: bigint, count: number): Promise<void> {
  while ((world.asked.get(`call ${requestId}`) ?? 0) < count) await delay(5);
}

/** What a worker leaves behind that dies in the middle of a call. */
async function loseWorker(requestId: bigint, runs: number): Promise<void> {
  const db = createDatabase<unknown>({ url: postgres.url, schema: "jobs", applicationName: "test", log: silentLog });
  const lose = statement(
    "lose",
    "update jobs.job set phase = 2, runs = $2, lease_until = now(), misses = 1 where request_id = $1",
  );
  await db.query(lose, [requestId, runs]);
  await db.close();
}

describe("a call", () => {
  test("is answered later, charged once, and recorded with the provider's document", async () => {
    world.upstream = () => ({ pieces: [Buffer.from('{"data":'), Buffer.from("[1]}")], document: '{"kept":1}' });
    const begun = await beginTestCall(jobs.client);
    expect(begun).toMatchObject({ kind: JobKind.CALL });
    const job = await closed(begun.requestId);
    expect(job).toMatchObject({ state: JobState.SUCCEEDED, resultType: "application/json", resultBytes: 12n });
    expect((await resultOf(jobs.client, job.requestId)).toString()).toBe('{"data":[1]}');
    expect(world.settled.get(job.requestId)).toMatchObject({
      case: SettleCase.SUCCEEDED,
      usage: { inputTokens: 3n, outputTokens: 5n },
    });
    expect(Buffer.from(finalOf(job.requestId)?.response ?? []).toString()).toBe('{"kept":1}');
  });

  test("whose answer is long keeps it whole, and its form reaches the provider as it came", async () => {
    const form = Buffer.alloc(1_300_000, "form");
    const answer = Array.from({ length: 40 }, (_, n) => Buffer.alloc(33_333, n));
    let seen: Buffer = Buffer.alloc(0);
    world.upstream = (_count, _id, given) => {
      seen = given;
      return { pieces: answer, type: "audio/mpeg" };
    };
    const { requestId } = await beginTestCall(jobs.client, { form, module: Module.AUDIO });
    const job = await closed(requestId);
    expect(seen.equals(form)).toBe(true);
    expect(job).toMatchObject({ resultType: "audio/mpeg", resultBytes: BigInt(40 * 33_333) });
    expect((await resultOf(jobs.client, requestId)).equals(Buffer.concat(answer))).toBe(true);
    // The form is of no use any more.
    const gone = jobs.client.readObject({ objectId: requestId, ...owner, offset: 0n, maxBytes: 1 }, call);
    await expect(gone).rejects.toMatchObject({ code: "not_found" });
  });

  test("that keeps its answer has it on the record with its input", async () => {
    world.upstream = () => ({ pieces: [Buffer.from('{"output":[]}')], document: "not this" });
    const { requestId } = await beginTestCall(jobs.client, {
      module: Module.CHAT,
      keepsAnswer: true,
      input: '{"items":[]}',
    });
    await closed(requestId);
    expect(Buffer.from(finalOf(requestId)?.response ?? []).toString()).toBe('{"output":[]}');
    expect(Buffer.from(finalOf(requestId)?.input ?? []).toString()).toBe('{"items":[]}');
  });

  test("that fails is free and says why", async () => {
    world.upstream = () => ({ pieces: [], error: "content_filtered", says: { param: "messages[1]" } });
    const { requestId } = await beginTestCall(jobs.client);
    expect((await closed(requestId)).error).toMatchObject({ code: "content_filtered", param: "messages[1]" });
    expect(world.settled.get(requestId)?.case).toBe(SettleCase.FAILED);
    expect(await resultOf(jobs.client, requestId)).toHaveLength(0);
  });

  test.each([
    ["before anything came, is free", [], SettleCase.FAILED],
    ["in the middle of its answer, is charged as on a connection", [Buffer.from("part")], SettleCase.BROKEN],
  ])("that is cancelled %s", async (_name, pieces, settled) => {
    world.upstream = () => ({ pieces, until: new Promise(() => undefined) });
    const { requestId } = await beginTestCall(jobs.client);
    await callsOf(requestId, 1);
    await jobs.client.cancelJob({ owner, requestId }, call);
    expect((await closed(requestId)).error).toMatchObject({ code: "cancelled" });
    expect(world.stopped.has(requestId)).toBe(true);
    expect(world.settled.get(requestId)?.case).toBe(settled);
  });

  test("that is not answered within its time is stopped, free, and has expired", async () => {
    world.upstream = () => ({ pieces: [], until: new Promise(() => undefined) });
    const { requestId } = await beginTestCall(jobs.client, { lifeMs: 300 });
    expect((await closed(requestId)).error).toMatchObject({ code: "expired" });
    expect(world.stopped.has(requestId)).toBe(true);
    expect(world.settled.get(requestId)?.case).toBe(SettleCase.FAILED);
  });

  test("whose worker was lost is made once more where that costs little, and ends as unknown where it may have been paid for", async () => {
    const unknown = "upstream_outcome_unknown";
    const table = [
      [Module.CHAT, 1, undefined],
      [Module.CHAT, 2, unknown],
      [Module.EMBEDDINGS, 1, undefined],
      [Module.RERANK, 1, undefined],
      [Module.MODERATION, 1, undefined],
      [Module.IMAGE, 1, unknown],
      [Module.AUDIO, 1, unknown],
    ] as const;
    const { promise: until, resolve: go } = Promise.withResolvers<void>();
    world.upstream = () => ({ pieces: [Buffer.from("{}")], until });
    // Others have all places, so that nobody takes what follows before it is as a lost worker leaves it.
    for (const accountId of [8n, 8n, 9n]) {
      const { requestId } = await beginTestCall(jobs.client, { accountId });
      await callsOf(requestId, 1);
    }
    const lost: { requestId: bigint; code: string | undefined }[] = [];
    for (const [module, runs, code] of table) {
      const { requestId } = await beginTestCall(jobs.client, { module });
      await loseWorker(requestId, runs);
      lost.push({ requestId, code });
    }
    go();
    for (const { requestId, code } of lost) {
      expect([requestId, (await closed(requestId)).error?.code]).toEqual([requestId, code]);
      expect(world.asked.get(`call ${requestId}`)).toBe(code === undefined ? 1 : undefined);
      expect(world.settleCalls.filter((_, n) => world.settledIds[n] === requestId)).toHaveLength(1);
    }
  });

  test.each([
    [Module.CHAT, undefined, 2],
    [Module.IMAGE, "upstream_outcome_unknown", 1],
  ])("of module %d whose provider was lost: %s", async (module, code, calls) => {
    world.upstream = (count) =>
      count === 1 ? { pieces: [Buffer.from("x")], error: "lost" } : { pieces: [Buffer.from("{}")] };
    const { requestId } = await beginTestCall(jobs.client, { module });
    expect((await closed(requestId)).error?.code).toBe(code);
    expect(world.asked.get(`call ${requestId}`)).toBe(calls);
  });

  test("of an account with many leaves room for others, and one that waits is cancelled at once", async () => {
    const { promise: until, resolve: go } = Promise.withResolvers<void>();
    world.upstream = () => ({ pieces: [Buffer.from("{}")], until });
    const many: bigint[] = [];
    for (let n = 0; n < 6; n++) many.push((await beginTestCall(jobs.client)).requestId);
    const other = await beginTestCall(jobs.client, { accountId: 8n });
    await callsOf(other.requestId, 1);
    const begun = many.filter((id) => world.asked.has(`call ${id}`));
    expect(begun).toHaveLength(2);
    const waiting = many.at(-1) ?? 0n;
    const { job } = await jobs.client.cancelJob({ owner, requestId: waiting }, call);
    expect(job).toMatchObject({ state: JobState.FAILED, error: { code: "cancelled" } });
    go();
    for (const id of many) await closed(id);
    expect(world.asked.has(`call ${waiting}`)).toBe(false);
    expect(world.settled.get(waiting)?.case).toBe(SettleCase.FAILED);
  });

  test("is one call however often its request comes", async () => {
    world.upstream = () => ({ pieces: [Buffer.from("{}")] });
    await beginTestCall(jobs.client, { requestId: 6_000n });
    await beginTestCall(jobs.client, { requestId: 6_000n });
    await closed(6_000n);
    expect(world.asked.get("call 6000")).toBe(1);
  });
});

test("a process that stops gives back the calls that do not end, and the next makes those that may be repeated", async () => {
  world.upstream = (count) =>
    count === 1 ? { pieces: [], until: new Promise(() => undefined) } : { pieces: [Buffer.from("{}")] };
  const chat = await beginTestCall(jobs.client, { module: Module.CHAT });
  const image = await beginTestCall(jobs.client);
  await callsOf(chat.requestId, 1);
  await callsOf(image.requestId, 1);
  await jobs.stop();
  jobs = await startTestJobs(postgres.url, world);
  expect((await closed(chat.requestId)).state).toBe(JobState.SUCCEEDED);
  expect((await closed(image.requestId)).error).toMatchObject({ code: "upstream_outcome_unknown" });
});
