import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { testPostgres } from "../../../shared/db/testing.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { envToConfig } from "../config.ts";
import { beginTestJob, owner, startTestJobs } from "../testing.ts";
import { createWorld } from "../testing-world.ts";
import { call } from "./testing-endpoints.ts";

test("a vendor's callback wakes its job and says nothing of it; forged and repeated ones do nothing", async () => {
  await using undo = new AsyncDisposableStack();
  const own = undo.use(await testPostgres());
  const there = createWorld();
  const given = envToConfig({ DATABASE_URL: own.url, CREDENTIAL_KEY: Buffer.alloc(32, 9).toString("base64") });
  const webhooks = { ...given.webhooks, publicUrl: "https://gateway.example" };
  // Nothing but a callback makes it look at a job within the time of this test.
  const slow = await startTestJobs(own.url, there, { webhooks, firstPollMs: 250_000, maxPollMs: 300_000 });
  undo.defer(() => slow.stop());
  let hasEnded = false;
  there.vendor = (action) => (action === "start" || !hasEnded ? { state: "processing" } : { state: "succeeded" });
  const { requestId } = await beginTestJob(slow.client, { lifeMs: 600_000 });
  const url = there.callbackUrls.get(requestId) ?? "";
  expect(url).toMatch(/^https:\/\/gateway\.example\/callbacks\/[\w-]{32}$/);
  const token = url.split("/").at(-1) ?? "";
  const forged = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  for (const one of [forged, "", "x".repeat(10_000)]) await slow.client.wakeJob({ token: one }, call);
  expect(there.asked.get(`poll ${requestId}`)).toBeUndefined();
  // The vendor is asked whether the callback is true: one that comes before the end ends nothing.
  await slow.client.wakeJob({ token }, call);
  while ((there.asked.get(`poll ${requestId}`) ?? 0) < 1) await delay(5);
  hasEnded = true;
  for (let n = 0; n < 5; n++) await slow.client.wakeJob({ token }, call);
  const { job } = await slow.client.getJob({ owner, requestId }, call);
  expect([job?.state, there.asked.get(`poll ${requestId}`)]).toEqual([JobState.PROCESSING, 1]);
});
