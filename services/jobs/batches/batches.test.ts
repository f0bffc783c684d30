import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { SettleCase } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { PricingSchema, UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { type Batch, BatchApi, BatchState } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { costNanoUsd } from "../../../shared/money/cost.ts";
import { owner, startTestJobs } from "../testing.ts";
import { beginTestBatch } from "../testing-batch.ts";
import { createWorld, type World } from "../testing-world.ts";

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

const call = { requestId: 1n, timeoutMs: 20_000 };
const make = (count: number, lifeMs?: number, missing?: number) => beginTestBatch(jobs.client, count, lifeMs, missing);

async function ended(id: bigint): Promise<Batch> {
  for (;;) {
    const { batch } = await jobs.client.getBatch({ owner, api: BatchApi.OPENAI, batchId: id }, call);
    if (batch?.state === BatchState.ENDED) return batch;
    await delay(10);
  }
}

/** The same batch as an operator reads it, and as it lists it. */
async function everybodys({ batchId }: { batchId: bigint }): Promise<(Batch | undefined)[]> {
  const whose = { owner: { everybody: true } };
  const { batch } = await jobs.client.getBatch({ ...whose, batchId }, call);
  const { batches } = await jobs.client.listBatches({ ...whose, afterBatchId: batchId + 1n, limit: 1 }, call);
  await expect(jobs.client.cancelBatch({ ...whose, batchId }, call)).rejects.toMatchObject({ code: "invalid_value" });
  await expect(jobs.client.deleteBatch({ ...whose, batchId }, call)).rejects.toMatchObject({ code: "invalid_value" });
  return [batch, batches[0]];
}

/** Has a batch look as one that an older program has worked at. */
async function forgetCosts(batchId: bigint): Promise<Batch | undefined> {
  const db = createDatabase({ url: postgres.url, schema: "jobs", applicationName: "test", log: silentLog });
  await sql`update jobs.batch set costed = costed - 1 where batch_id = ${batchId}`.execute(db.kysely);
  await db.close();
  return (await jobs.client.getBatch({ owner, api: BatchApi.OPENAI, batchId }, call)).batch;
}

test("what a batch costs is not told where some of its lines ended under a program that did not know it", async () => {
  world.upstream = () => ({ pieces: [Buffer.from("{}")] });
  const { id } = await make(3);
  expect((await ended(id)).cost).toMatchObject({ billedNanoUsd: 15n });
  expect((await forgetCosts(id))?.cost).toBeUndefined();
});

async function textOf(objectId: bigint): Promise<string> {
  const range = { objectId, accountId: owner.accountId, offset: 0n, maxBytes: 1_000_000 };
  return Buffer.from((await jobs.client.readObject(range, call)).data).toString();
}

test("each line is run, settled and recorded once, in groups, and its batch gives back the rest", async () => {
  world.upstream = () => ({ pieces: [Buffer.from('{"ok":'), Buffer.from("true}")] });
  const { id, lines } = await make(150);
  const batch = await ended(id);
  expect(batch.counts).toMatchObject({ total: 150, succeeded: 150, failed: 0 });
  expect(batch.cost).toMatchObject({ billedNanoUsd: 750n, listPriceNanoUsd: 600n, listedLines: 150 });
  expect(await everybodys({ batchId: id })).toEqual([batch, batch]);
  const text = await textOf(batch.outputFileId);
  expect(
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).custom_id),
  ).toEqual(lines.map((_, i) => `line-${i}`));
  expect(batch.errorFileId).toBe(0n);
  for (const line of [...lines, id]) expect(world.settledIds.filter((one) => one === line)).toEqual([line]);
  expect(world.settled.get(id)).toMatchObject({ case: SettleCase.SUCCEEDED });
  // Its lines have a price for each request, and the batch is none of them.
  const costOf = (one: bigint | undefined) => {
    const { usage, pricing } = world.settled.get(one ?? 0n) ?? {};
    return costNanoUsd(create(UsageSchema, usage), create(PricingSchema, pricing));
  };
  expect([costOf(lines[0]), costOf(id)]).toEqual([7n, 0n]);
  for (const line of lines) {
    expect(world.recorded.filter(({ requestId }) => requestId === line).map(({ status }) => status)).toEqual([
      RecordStatus.SUCCEEDED,
    ]);
  }
  // Lines of one call of billing: those that began together.
  expect(Math.max(...world.splits.map((parts) => parts.length))).toBeGreaterThan(8);
  expect(world.splits.length).toBeLessThan(150 / 4);
});

test("lines that nobody has time for until their batch's time is over are told as expired and are free", async () => {
  world.upstream = (_count, requestId) =>
    requestId % 2n === 0n ? { pieces: [], error: "upstream_overloaded" } : { pieces: [Buffer.from("{}")] };
  const { id, lines } = await make(6, 1_500);
  const batch = await ended(id);
  expect(batch.counts).toMatchObject({ total: 6, succeeded: 3, failed: 0, expired: 3 });
  const late = await textOf(batch.errorFileId);
  expect(
    late
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).error.code),
  ).toEqual(Array(3).fill("batch_expired"));
  for (const line of lines.filter((one) => one % 2n === 0n)) {
    expect(world.settled.get(line)).toMatchObject({ case: SettleCase.FAILED });
    expect(world.recorded.findLast(({ requestId }) => requestId === line)).toMatchObject({
      status: RecordStatus.FAILED,
      errorCode: "expired",
    });
  }
});

test("a line that failed at its upstream says in the error file all that its request would have been told", async () => {
  const says = { param: "messages[2]", httpStatus: 422, upstreamRequestId: "req_vendor" };
  world.upstream = () => ({ pieces: [], error: "invalid_value", says });
  const { id, lines } = await make(1);
  const { errorFileId } = await ended(id);
  expect(JSON.parse(await textOf(errorFileId))).toMatchObject({
    response: {
      status_code: 422,
      request_id: lines[0]?.toString(),
      body: { error: { code: "invalid_value", param: "messages[2]", upstream_request_id: "req_vendor" } },
    },
    error: null,
  });
});

test("a line that failed at its upstream is tried again; one whose batch holds nothing any more reserves by itself", async () => {
  world.upstream = (count) => (count === 1 ? { pieces: [], error: "upstream_error" } : { pieces: [Buffer.from("{}")] });
  world.isHeld = false;
  const { id, lines } = await make(3);
  const batch = await ended(id);
  world.isHeld = true;
  expect(batch.counts).toMatchObject({ succeeded: 3 });
  expect(lines.map((line) => world.asked.get(`call ${line}`))).toEqual([2, 2, 2]);
  expect([...world.reserved].sort()).toEqual(expect.arrayContaining(lines));
});

test("a settlement or a record that fails is made again, and counts once", async () => {
  world.upstream = () => ({ pieces: [Buffer.from("{}")] });
  let faults = 3;
  world.fault = (_service, before) => {
    if (!before && faults-- > 0) throw new Error("the answer was lost");
  };
  const { id } = await make(4);
  const batch = await ended(id);
  world.fault = () => undefined;
  expect(batch.counts).toMatchObject({ total: 4, succeeded: 4 });
  // Each line costs 5, and 4 by the vendor's list, which the repeat of a settlement does not say.
  expect(batch.cost).toMatchObject({ billedNanoUsd: 20n, listPriceNanoUsd: 16n, listedLines: 4 });
});

test("a batch whose lines are not all there does not run", async () => {
  await expect(make(2, 60_000, 1)).rejects.toMatchObject({ code: "not_found" });
});
