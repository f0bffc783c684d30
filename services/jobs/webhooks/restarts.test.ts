import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeEach, expect, test } from "vitest";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { DeliveryState } from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { createLog } from "../../../shared/log.ts";
import { openDatabase } from "../db/open.ts";
import { beginTestJob, owner, startTestJobs } from "../testing.ts";
import { claimDeliveries } from "./db/deliveries.ts";
import { call, startTestWebhooks } from "./testing-endpoints.ts";

const silent = createLog({ service: "jobs", level: "silent" });
const hooks = await startTestWebhooks();
const { postgres, receiver, withEndpoint, deliveriesOf, deliveryIn, world } = hooks;
beforeEach(() => {
  world.vendor = (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 });
});

afterAll(() => hooks[Symbol.asyncDispose]());

test("a delivery that was taken by a process that died is tried by another when its lease is over", async () => {
  await withEndpoint({}, async (endpointId) => {
    receiver.answer = (_, response) => void response.writeHead(500).end();
    await beginTestJob(hooks.jobs.client);
    await receiver.has(1);
    await hooks.jobs.stop();
    receiver.answer = (_, response) => void response.writeHead(204).end();
    const db = await openDatabase({ url: postgres.url, maxConnections: 1, migrate: false, log: silent });
    while ((await claimDeliveries(db, 1, 4, 300)).length === 0) await delay(5);
    expect(await claimDeliveries(db, 1, 4, 300)).toEqual([]);
    await db.close();
    hooks.jobs = await startTestJobs(postgres.url, world);
    const done = await deliveryIn(endpointId, DeliveryState.DELIVERED);
    expect(done.lastTries.at(-1)?.httpStatus).toBe(204);
  });
});

test("an end that nobody has told before its process died is told once by the next", async () => {
  await withEndpoint({}, async (endpointId) => {
    world.fault = (_service, before) => {
      if (before) throw new Error("away");
    };
    const { requestId } = await beginTestJob(hooks.jobs.client);
    // The end was told and could not be settled: it is taken again and again, also by the next process.
    await receiver.has(1);
    await hooks.jobs.stop();
    hooks.jobs = await startTestJobs(postgres.url, world);
    world.fault = () => undefined;
    while (!world.recorded.some((record) => record.requestId === requestId && record.status >= 4)) await delay(10);
    expect(await deliveriesOf(endpointId)).toHaveLength(1);
    expect(receiver.received).toHaveLength(1);
    const { job } = await hooks.jobs.client.getJob({ owner, requestId }, call);
    expect(job?.state).toBe(JobState.SUCCEEDED);
  });
});
