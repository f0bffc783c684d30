import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { DeliveryState } from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { beginTestJob, owner, testWebhooks } from "../testing.ts";
import { call, startTestWebhooks, unwrap } from "./testing-endpoints.ts";
import { type Receiver, startReceiver } from "./testing-receiver.ts";

const hooks = await startTestWebhooks();
const { receiver, withEndpoint, deliveriesOf, deliveryIn, world } = hooks;
beforeEach(() => {
  world.vendor = (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 });
});

afterAll(() => hooks[Symbol.asyncDispose]());

describe("an event", () => {
  test("is told in OpenAI's form, signed, with the request's ID and trace", async () => {
    await withEndpoint({ events: ["video.*"] }, async (endpointId, secret) => {
      const { requestId } = await beginTestJob(hooks.jobs.client);
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
      const life = await hooks.jobs.client.getJobLife({ ...owner, requestId }, call);
      expect(life).toMatchObject({ polls: 0, deliveries: [{ deliveryId: done.deliveryId }] });
      expect(life.events.map(({ name }) => name)).toEqual(["queueing", "succeeded"]);
    });
  });

  test("goes to the endpoints that ask for it, of its account alone, and not to those that are switched off", async () => {
    await withEndpoint({ events: ["video.failed"] }, async (failures) => {
      await withEndpoint({ events: ["*"], accountId: 8n }, async (others) => {
        await withEndpoint({}, async (off) => {
          await hooks.jobs.client.updateWebhookEndpoint({ endpointId: off, enabled: false }, call);
          await withEndpoint({ events: ["video.completed"] }, async (asking) => {
            await beginTestJob(hooks.jobs.client);
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
      await expect(beginTestJob(hooks.jobs.client)).rejects.toMatchObject({ code: "content_filtered" });
      world.vendor = () => ({ state: "processing" });
      const { requestId } = await beginTestJob(hooks.jobs.client, { lifeMs: 30 });
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
      await expect(beginTestJob(hooks.jobs.client)).rejects.toMatchObject({ code: "upstream_outcome_unknown" });
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
      await beginTestJob(hooks.jobs.client);
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
      await beginTestJob(hooks.jobs.client);
      const dead = await deliveryIn(endpointId, DeliveryState.DEAD);
      expect(dead.tries).toBe(testWebhooks.waitsMs.length + 1);
      const listed = await hooks.jobs.client.listDeliveries({ ...owner, state: DeliveryState.DEAD, limit: 1 }, call);
      expect(listed.deliveries.map(({ deliveryId }) => deliveryId)).toEqual([dead.deliveryId]);
      await expect(
        hooks.jobs.client.resendDelivery({ deliveryId: dead.deliveryId, accountId: 8n }, call),
      ).rejects.toMatchObject({ code: "not_found" });
      receiver.answer = (_, response) => void response.writeHead(204).end();
      receiver.received.length = 0;
      await hooks.jobs.client.resendDelivery({ ...owner, deliveryId: dead.deliveryId }, call);
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
        const ids = await Promise.all(Array.from({ length: 12 }, () => beginTestJob(hooks.jobs.client)));
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

test("a request's callback_url is told of its end, signed by the account's secret for them", async () => {
  receiver.received.length = 0;
  receiver.answer = (_, response) => void response.writeHead(204).end();
  const { secret } = await hooks.jobs.client.rotateWebhookSecret({ ...owner }, call);
  const refused = beginTestJob(hooks.jobs.client, { callbackUrl: "https://10.0.0.1/" });
  await expect(refused).rejects.toMatchObject({ code: "invalid_value", param: "callback_url" });
  const { requestId } = await beginTestJob(hooks.jobs.client, { callbackUrl: `${receiver.url}/mine?of=me` });
  await beginTestJob(hooks.jobs.client);
  await receiver.has(1);
  const [message, more] = receiver.received;
  if (message === undefined) throw new Error("nothing came");
  expect(more).toBeUndefined();
  expect(message.path).toBe("/mine?of=me");
  expect(await unwrap(secret, message)).toMatchObject({ type: "video.completed", data: { id: `video_${requestId}` } });
  const { deliveries } = await hooks.jobs.client.getJobLife({ ...owner, requestId }, call);
  expect(deliveries).toMatchObject([{ url: `${receiver.url}/mine?of=me`, requestId }]);
});
