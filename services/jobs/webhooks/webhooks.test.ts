import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { BudgetPeriod } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { type Delivery, DeliveryState } from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { createLog } from "../../../shared/log.ts";
import { envToConfig } from "../config.ts";
import { openDatabase } from "../db/open.ts";
import { beginTestJob, owner, startTestJobs, testWebhooks } from "../testing.ts";
import { createWorld, type World } from "../testing-world.ts";
import { claimDeliveries } from "./db/deliveries.ts";
import { type Receiver, startReceiver } from "./testing-receiver.ts";

let postgres: TestPostgres;
let world: World;
let jobs: Awaited<ReturnType<typeof startTestJobs>>;
let receiver: Receiver;
const silent = createLog({ service: "jobs", level: "silent" });
const call = { requestId: 1n, timeoutMs: 10_000 };

beforeAll(async () => {
  [postgres, receiver] = await Promise.all([testPostgres(), startReceiver()]);
  world = createWorld();
  jobs = await startTestJobs(postgres.url, world);
});
beforeEach(() => {
  world.vendor = (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 });
});
afterAll(async () => {
  await jobs?.stop();
  await receiver?.close();
  await postgres?.stop();
});

/** Makes an endpoint for as long as `run` takes. */
async function withEndpoint(
  {
    url = receiver.url,
    events = ["*"],
    ...rest
  }: { url?: string; events?: string[]; accountId?: bigint; platform?: boolean },
  run: (endpointId: bigint, secret: string) => Promise<void>,
): Promise<void> {
  const made = await jobs.client.createWebhookEndpoint({ ...owner, ...rest, url, events }, call);
  const endpointId = made.endpoint?.endpointId ?? 0n;
  receiver.received.length = 0;
  receiver.answer = (_, response) => void response.writeHead(204).end();
  try {
    await run(endpointId, made.secret);
  } finally {
    await jobs.client.deleteWebhookEndpoint({ endpointId }, call);
  }
}

async function deliveriesOf(endpointId: bigint): Promise<Delivery[]> {
  return (await jobs.client.listDeliveries({ endpointId, limit: 100 }, call)).deliveries;
}

/** Channels that are out. */
async function outages(): Promise<number> {
  const options = { url: postgres.url, maxConnections: 1, migrate: false, log: silent };
  const db = await openDatabase(options);
  const rows = await db.query(statement("test_outages", "select channel from jobs.channel_outage"), []);
  await db.close();
  return rows.length;
}

/** Waits until the only delivery of an endpoint is in a state. */
async function deliveryIn(endpointId: bigint, state: DeliveryState): Promise<Delivery> {
  for (;;) {
    const [one] = await deliveriesOf(endpointId);
    if (one?.state === state) return one;
    await delay(10);
  }
}

const unwrap = (secret: string, { body, headers }: { body: string; headers: Readonly<Record<string, string>> }) =>
  new OpenAI({ apiKey: "unused", webhookSecret: secret }).webhooks.unwrap(body, headers);

describe("an event", () => {
  test("is told in OpenAI's form, signed, with the request's ID and trace", async () => {
    await withEndpoint({ events: ["video.*"] }, async (endpointId, secret) => {
      const { requestId } = await beginTestJob(jobs.client);
      await receiver.has(1);
      const [message] = receiver.received;
      if (message === undefined) throw new Error("nothing came");
      expect(await unwrap(secret, message)).toMatchObject({
        id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
        object: "event",
        type: "video.completed",
        created_at: expect.any(Number),
        data: { id: `video_${requestId}`, request_id: requestId.toString() },
      });
      await expect(unwrap("whsec_d3Jvbmc=", message)).rejects.toThrow();
      expect(message.headers).toMatchObject({
        "webhook-id": message.event.id,
        "x-request-id": requestId.toString(),
        traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-/),
      });
      const done = await deliveryIn(endpointId, DeliveryState.DELIVERED);
      expect(done).toMatchObject({ eventId: message.event.id, tries: 1, requestId, nextTryUnixMs: 0n });
      const life = await jobs.client.getJobLife({ ...owner, requestId }, call);
      expect(life).toMatchObject({ polls: 0, deliveries: [{ deliveryId: done.deliveryId }] });
      expect(life.events.map(({ name }) => name)).toEqual(["queueing", "succeeded"]);
    });
  });

  test("goes to the endpoints that ask for it, of its account alone, and not to those that are switched off", async () => {
    await withEndpoint({ events: ["video.failed"] }, async (failures) => {
      await withEndpoint({ events: ["*"], accountId: 8n }, async (others) => {
        await withEndpoint({}, async (off) => {
          await jobs.client.updateWebhookEndpoint({ endpointId: off, enabled: false }, call);
          await withEndpoint({ events: ["video.completed"] }, async (asking) => {
            await beginTestJob(jobs.client);
            await deliveryIn(asking, DeliveryState.DELIVERED);
            for (const other of [failures, others, off]) expect(await deliveriesOf(other)).toEqual([]);
          });
        });
      });
    });
  });

  test("tells why a job failed, that it was given up, and nothing of a refusal that its client got as an answer", async () => {
    await withEndpoint({}, async () => {
      world.vendor = () => ({ error: "content_filtered" });
      await expect(beginTestJob(jobs.client)).rejects.toMatchObject({ code: "content_filtered" });
      world.vendor = () => ({ state: "processing" });
      const { requestId } = await beginTestJob(jobs.client, { lifeMs: 30 });
      await receiver.has(2);
      const error = { code: "expired", message: expect.any(String) };
      const told = receiver.received.map(({ event: { type, data } }) => ({ type, data }));
      expect(told).toEqual(
        expect.arrayContaining([
          { type: "video.failed", data: { id: `video_${requestId}`, request_id: requestId.toString(), error } },
          {
            type: "alert.job_given_up",
            data: { id: `job_${requestId}`, request_id: requestId.toString(), error, module: "video" },
          },
        ]),
      );
      expect(told).toHaveLength(2);
      world.vendor = () => "lost";
      await expect(beginTestJob(jobs.client)).rejects.toMatchObject({ code: "upstream_outcome_unknown" });
      await receiver.has(3);
      const types = receiver.received.map(({ event: { type } }) => type).toSorted();
      expect(types).toEqual(["alert.job_given_up", "alert.job_given_up", "video.failed"]);
    });
  });
});

describe("a receiver", () => {
  test("that answers 500 or a redirect, hangs or is late is tried again, and what was wrong is seen", async () => {
    const odd = await startReceiver();
    await withEndpoint({}, async (endpointId) => {
      const wrongs: Receiver["answer"][] = [
        (_, response) => void response.writeHead(500).end("no"),
        (_, response) => void response.writeHead(302, { location: `${odd.url}/secret` }).end(),
        () => undefined,
        (_, response) => void response.destroy(),
        // The head is an answer, however long the rest takes.
        (_, response) => void response.writeHead(200).write("slow"),
      ];
      receiver.answer = (message, response) => wrongs[receiver.received.length - 1]?.(message, response);
      await beginTestJob(jobs.client);
      const done = await deliveryIn(endpointId, DeliveryState.DELIVERED);
      expect(done.lastTries.map(({ httpStatus, error }) => [httpStatus, error])).toEqual([
        [500, "It answered 500."],
        [302, "It answered 302: redirects are not followed."],
        [0, "It did not answer within 0.4 s."],
        [0, expect.stringMatching(/^It could not be reached \(UND_ERR_SOCKET\)\.$/)],
        [200, ""],
      ]);
      expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set([done.eventId]));
    });
    expect(odd.received).toEqual([]);
    await odd.close();
  });

  test("that never takes it is given up, and told again when somebody asks for it", async () => {
    await withEndpoint({}, async (endpointId, secret) => {
      receiver.answer = (_, response) => void response.writeHead(503).end();
      await beginTestJob(jobs.client);
      const dead = await deliveryIn(endpointId, DeliveryState.DEAD);
      expect(dead.tries).toBe(testWebhooks.waitsMs.length + 1);
      const listed = await jobs.client.listDeliveries({ ...owner, state: DeliveryState.DEAD, limit: 1 }, call);
      expect(listed.deliveries.map(({ deliveryId }) => deliveryId)).toEqual([dead.deliveryId]);
      await expect(
        jobs.client.resendDelivery({ deliveryId: dead.deliveryId, accountId: 8n }, call),
      ).rejects.toMatchObject({ code: "not_found" });
      receiver.answer = (_, response) => void response.writeHead(204).end();
      receiver.received.length = 0;
      await jobs.client.resendDelivery({ ...owner, deliveryId: dead.deliveryId }, call);
      const done = await deliveryIn(endpointId, DeliveryState.DELIVERED);
      expect([done.tries, receiver.received.length]).toEqual([dead.tries + 1, 1]);
      const [message] = receiver.received;
      if (message !== undefined) await unwrap(secret, message);
    });
  });

  test("that hangs holds up no other, of whatever account", async () => {
    const hanging = await startReceiver();
    hanging.answer = () => undefined;
    await withEndpoint({ url: hanging.url }, async (endpointId) => {
      await withEndpoint({}, async (quick) => {
        const ids = await Promise.all(Array.from({ length: 12 }, () => beginTestJob(jobs.client)));
        await receiver.has(ids.length);
        for (const { state } of await deliveriesOf(quick)) expect(state).toBeLessThan(DeliveryState.DEAD);
        // At most four of the twelve were under way to it at a time, each for 400 ms.
        expect(hanging.received.length).toBeLessThan(12);
        expect(await deliveriesOf(endpointId)).toHaveLength(12);
      });
    });
    await hanging.close();
  });
});

describe("an endpoint", () => {
  test("has an address that may be called, events that are known, and no more than 20 others", async () => {
    const create = (url: string, events = ["*"]) => jobs.client.createWebhookEndpoint({ ...owner, url, events }, call);
    const refused = [
      "https://10.0.0.1/",
      "https://[::1]/",
      "https://169.254.169.254/latest",
      "https://[::ffff:127.0.0.1]/",
      "https://localhost/",
      "https://0xa000001/",
      "http://8.8.8.8/",
      "ftp://8.8.8.8/",
      "https://me:secret@8.8.8.8/",
      "nonsense",
      "",
      `https://8.8.8.8/${"a".repeat(2_048)}`,
    ];
    for (const url of refused) {
      await expect(create(url), url).rejects.toMatchObject({ code: "invalid_value", param: "url" });
      await expect(jobs.client.checkCallbackUrl({ url }, call), url).rejects.toMatchObject({ param: "callback_url" });
    }
    for (const events of [[], ["video.began"], ["video"], ["*.*"]]) {
      await expect(create(receiver.url, events)).rejects.toMatchObject({ code: "invalid_value", param: "events" });
    }
    const many = await Promise.all(Array.from({ length: 20 }, () => create("https://8.8.8.8/")));
    await expect(create("https://8.8.8.8/")).rejects.toThrow(/at most 20/);
    const { endpoints } = await jobs.client.listWebhookEndpoints({ ...owner, limit: 1_000 }, call);
    expect(endpoints.map(({ endpointId }) => endpointId).sort()).toEqual(
      many.map(({ endpoint }) => endpoint?.endpointId).sort(),
    );
    for (const { endpointId } of endpoints) await jobs.client.deleteWebhookEndpoint({ ...owner, endpointId }, call);
  });

  test("of another account is as one that is not there", async () => {
    await withEndpoint({}, async (endpointId) => {
      const other = { endpointId, accountId: 8n };
      for (const method of ["updateWebhookEndpoint", "rotateWebhookSecret", "sendTestEvent"] as const) {
        await expect(jobs.client[method](other, call)).rejects.toMatchObject({ code: "not_found" });
      }
      await jobs.client.deleteWebhookEndpoint(other, call);
      await jobs.client.updateWebhookEndpoint({ endpointId, ...owner, description: "mine" }, call);
    });
  });

  test("whose secret is rotated signs with both for a day", async () => {
    await withEndpoint({}, async (endpointId, before) => {
      const rotated = await jobs.client.rotateWebhookSecret({ ...owner, endpointId }, call);
      expect(Number(rotated.endpoint?.previousSecretUntilUnixMs) - Date.now()).toBeGreaterThan(86_000_000);
      await jobs.client.sendTestEvent({ ...owner, endpointId }, call);
      await receiver.has(1);
      const [message] = receiver.received;
      if (message === undefined) throw new Error("nothing came");
      expect(message.event.type).toBe("webhook.test");
      await unwrap(before, message);
      await unwrap(rotated.secret, message);
      expect(message.headers["webhook-signature"]?.split(" ")).toHaveLength(2);
    });
  });

  test("that is switched off gives up what waits, and refuses tests", async () => {
    await withEndpoint({}, async (endpointId) => {
      receiver.answer = (_, response) => void response.writeHead(500).end();
      await beginTestJob(jobs.client);
      await receiver.has(1);
      await jobs.client.updateWebhookEndpoint({ endpointId, enabled: false }, call);
      const dead = await deliveryIn(endpointId, DeliveryState.DEAD);
      const test = jobs.client.sendTestEvent({ endpointId }, call);
      await expect(test).rejects.toThrow(/switched off/);
      const again = jobs.client.resendDelivery({ deliveryId: dead.deliveryId }, call);
      await expect(again).rejects.toThrow(/switched off/);
    });
  });
});

test("a request's callback_url is told of its end, signed by the account's secret for them", async () => {
  receiver.received.length = 0;
  receiver.answer = (_, response) => void response.writeHead(204).end();
  const { secret } = await jobs.client.rotateWebhookSecret({ ...owner }, call);
  const refused = beginTestJob(jobs.client, { callbackUrl: "https://10.0.0.1/" });
  await expect(refused).rejects.toMatchObject({ code: "invalid_value", param: "callback_url" });
  const { requestId } = await beginTestJob(jobs.client, { callbackUrl: `${receiver.url}/mine?of=me` });
  await beginTestJob(jobs.client);
  await receiver.has(1);
  const [message, more] = receiver.received;
  if (message === undefined) throw new Error("nothing came");
  expect(more).toBeUndefined();
  expect(message.path).toBe("/mine?of=me");
  expect(await unwrap(secret, message)).toMatchObject({ type: "video.completed", data: { id: `video_${requestId}` } });
  const { deliveries } = await jobs.client.getJobLife({ ...owner, requestId }, call);
  expect(deliveries).toMatchObject([{ url: `${receiver.url}/mine?of=me`, requestId }]);
});

test("a budget is told of once for each of its steps in a period, to those who ask for it", async () => {
  const budget = {
    ...owner,
    keyId: 3n,
    period: BudgetPeriod.DAY,
    periodStartUnixMs: 86_400_000n,
    budgetNanoUsd: 1_000_000_000n,
  };
  const used = (part: bigint) => {
    const spentNanoUsd = (budget.budgetNanoUsd * part) / 100n;
    world.budgets = [
      { ...budget, spentNanoUsd },
      { ...budget, accountId: 8n, spentNanoUsd },
    ];
  };
  await withEndpoint({ events: ["alert.budget"] }, async (endpointId) => {
    await withEndpoint({ events: ["video.*"], accountId: 8n }, async (others) => {
      used(79n);
      await receiver.has(1);
      used(120n);
      await receiver.has(3);
      // A service that starts again tells nothing twice.
      await jobs.stop();
      jobs = await startTestJobs(postgres.url, world);
      world.budgets = world.budgets.map((one) => ({ ...one, period: BudgetPeriod.MONTH }));
      await receiver.has(6);
      const told = receiver.received.map(({ event: { type, data } }) => [type, data.id, data.period, data.percent]);
      expect(told.sort()).toEqual(
        ["day", "month"].flatMap((period) => [100, 50, 80].map((step) => ["alert.budget", "key_3", period, step])),
      );
      expect(receiver.received[0]?.event.data).toMatchObject({ budget_usd: "1", spent_usd: "0.79" });
      expect(await deliveriesOf(endpointId)).toHaveLength(6);
      expect(await deliveriesOf(others)).toEqual([]);
      world.budgets = [];
    });
  });
});

test("operators are told once of a channel that is out for a while, and once that it is back, however many processes look", async () => {
  await using undo = new AsyncDisposableStack();
  const second = await startTestJobs(postgres.url, world);
  undo.defer(() => second.stop());
  const told = () => receiver.received.map(({ event: { type, data } }) => [type, data.channel]);
  await withEndpoint({ events: ["alert.*"] }, async (tenants) => {
    await withEndpoint({ events: ["alert.*"], accountId: 1n, platform: true }, async (operators) => {
      world.channels = { steady: false, flaps: true, falls: true };
      while ((await outages()) < 2) await delay(5);
      // One that is well again before it was told is not told at all.
      world.channels = { steady: false, flaps: false, falls: true };
      await receiver.has(1);
      expect(receiver.received[0]?.event.data).toMatchObject({ id: "channel_falls", platform: "stub" });
      // A service that starts again tells nothing twice.
      await jobs.stop();
      jobs = await startTestJobs(postgres.url, world);
      world.channels = { steady: false, falls: false };
      await receiver.has(2);
      world.channels = { steady: false, falls: true };
      await receiver.has(3);
      // One that was removed is out no more.
      world.channels = { steady: false };
      await receiver.has(4);
      while ((await outages()) > 0) await delay(5);
      expect(told()).toEqual([
        ["alert.channel_out", "falls"],
        ["alert.channel_back", "falls"],
        ["alert.channel_out", "falls"],
        ["alert.channel_back", "falls"],
      ]);
      expect(receiver.received.map(({ event }) => event.data.removed)).toEqual([undefined, false, undefined, true]);
      expect(await deliveriesOf(operators)).toHaveLength(4);
      expect(await deliveriesOf(tenants)).toEqual([]);
    });
  });
  world.channels = {};
});

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

test("a delivery that was taken by a process that died is tried by another when its lease is over", async () => {
  await withEndpoint({}, async (endpointId) => {
    receiver.answer = (_, response) => void response.writeHead(500).end();
    await beginTestJob(jobs.client);
    await receiver.has(1);
    await jobs.stop();
    receiver.answer = (_, response) => void response.writeHead(204).end();
    const db = await openDatabase({ url: postgres.url, maxConnections: 1, migrate: false, log: silent });
    while ((await claimDeliveries(db, 1, 4, 300)).length === 0) await delay(5);
    expect(await claimDeliveries(db, 1, 4, 300)).toEqual([]);
    await db.close();
    jobs = await startTestJobs(postgres.url, world);
    const done = await deliveryIn(endpointId, DeliveryState.DELIVERED);
    expect(done.lastTries.at(-1)?.httpStatus).toBe(204);
  });
});

test("an end that nobody has told before its process died is told once by the next", async () => {
  await withEndpoint({}, async (endpointId) => {
    world.fault = (_service, before) => {
      if (before) throw new Error("away");
    };
    const { requestId } = await beginTestJob(jobs.client);
    // The end was told and could not be settled: it is taken again and again, also by the next process.
    await receiver.has(1);
    await jobs.stop();
    jobs = await startTestJobs(postgres.url, world);
    world.fault = () => undefined;
    while (!world.recorded.some((record) => record.requestId === requestId && record.status >= 4)) await delay(10);
    expect(await deliveriesOf(endpointId)).toHaveLength(1);
    expect(receiver.received).toHaveLength(1);
    const { job } = await jobs.client.getJob({ owner, requestId }, call);
    expect(job?.state).toBe(JobState.SUCCEEDED);
  });
});
