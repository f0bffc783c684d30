import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { createLog } from "../../../shared/log.ts";
import { type JobsDatabase, openDatabase } from "../db/open.ts";
import { placeOf } from "../objects/place.ts";
import { beginTestJob, owner, startTestJobs } from "../testing.ts";
import { createWorld, type World } from "../testing-world.ts";

let postgres: TestPostgres;
let db: JobsDatabase;
let folder: string;
let world: World;
let jobs: Awaited<ReturnType<typeof startTestJobs>>;
const copyBytes = 3_000_000;

async function start(): Promise<void> {
  const place = placeOf(`file://${folder}`, { accessKeyId: undefined, secretAccessKey: undefined });
  const objects = { place, accountBytes: 1e12, databaseBytes: 1e12, copyBytes };
  jobs = await startTestJobs(postgres.url, world, { objects });
}

beforeAll(async () => {
  postgres = await testPostgres();
  db = await openDatabase({
    url: postgres.url,
    maxConnections: 2,
    migrate: true,
    log: createLog({ service: "jobs", level: "silent" }),
  });
  folder = await mkdtemp(join(tmpdir(), "throughline-copies-"));
  world = createWorld();
  await start();
});
afterAll(async () => {
  await jobs?.stop();
  await db?.close();
  await postgres?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function settled(requestId: bigint) {
  for (;;) {
    const { rows } = await sql<{ result_object: bigint; left: bigint; phase: number }>`select j.result_object, j.phase,
      (select count(*) from jobs.copy c where c.request_id = j.request_id) as left
      from jobs.job j where j.request_id = ${requestId.toString()}::bigint`.execute(db.kysely);
    const [row] = rows;
    if (row?.phase === 4 && row.left === 0n) return row.result_object;
    await delay(10);
  }
}

/** Does not wait for the pause between two tries. */
async function hurry(): Promise<void> {
  await sql`update jobs.copy set wake_at = now() where lease_until is null`.execute(db.kysely);
}

test("a video is copied at its job's end, and lives as long as the job is known", async () => {
  const video = Buffer.alloc(2_500_000, 5);
  world.content = () => ({ pieces: [video.subarray(0, 1_000_000), video.subarray(1_000_000)] });
  const { requestId } = await beginTestJob(jobs.client);
  expect(await settled(requestId)).toBe(requestId);
  expect((await readFile(join(folder, requestId.toString()))).equals(video)).toBe(true);
  const { job } = await jobs.client.getJob({ owner, requestId }, { requestId: 1n, timeoutMs: 5_000 });
  expect(job).toMatchObject({ resultObjectId: requestId, resultType: "video/mp4", resultBytes: 2_500_000n });
  expect(Number(job?.expiresUnixMs) - Date.now()).toBeGreaterThan(29 * 86_400_000);
  const piece = { objectId: requestId, accountId: owner.accountId, offset: 2_499_990n, maxBytes: 100 };
  const read = await jobs.client.readObject(piece, { requestId: 1n, timeoutMs: 5_000 });
  expect(read).toMatchObject({ bytes: 2_500_000n, contentType: "video/mp4" });
  expect(read.data).toHaveLength(10);
});

test("a copy that breaks off in its middle is made again, also by another process", async () => {
  world.content = (count) =>
    count === 1
      ? { pieces: [Buffer.alloc(1_500_000, 1)], error: "upstream_error" }
      : { pieces: [Buffer.alloc(1_600_000, 2)] };
  const { requestId } = await beginTestJob(jobs.client);
  while (world.asked.get(`content ${requestId}`) !== 1) await delay(5);
  await jobs.stop();
  await start();
  await hurry();
  expect(await settled(requestId)).toBe(requestId);
  const copy = await readFile(join(folder, requestId.toString()));
  expect(copy.equals(Buffer.alloc(1_600_000, 2))).toBe(true);
});

test("a video that is larger than copies may be stays with its vendor", async () => {
  world.content = () => ({ pieces: [Buffer.alloc(copyBytes + 1)] });
  const { requestId } = await beginTestJob(jobs.client);
  expect(await settled(requestId)).toBe(0n);
  expect(await readdir(folder)).not.toContain(requestId.toString());
});

test("a job that failed has nothing to be copied", async () => {
  world.vendor = (action) => (action === "start" ? { state: "queueing" } : { state: "failed" });
  const { requestId } = await beginTestJob(jobs.client);
  expect(await settled(requestId)).toBe(0n);
  expect(world.asked.has(`content ${requestId}`)).toBe(false);
});
