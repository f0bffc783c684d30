import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { DeliveryState } from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { beginTestJob, owner } from "../testing.ts";
import { call, startTestWebhooks, unwrap } from "./testing-endpoints.ts";

const hooks = await startTestWebhooks();
const { receiver, withEndpoint, deliveryIn, world } = hooks;
beforeEach(() => {
  world.vendor = (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 });
});

afterAll(() => hooks[Symbol.asyncDispose]());

describe("an endpoint", () => {
  test("has an address that may be called, events that are known, and no more than 20 others", async () => {
    const create = (url: string, events = ["*"]) =>
      hooks.jobs.client.createWebhookEndpoint({ ...owner, url, events }, call);
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
      await expect(hooks.jobs.client.checkCallbackUrl({ url }, call), url).rejects.toMatchObject({
        param: "callback_url",
      });
    }
    for (const events of [[], ["video.began"], ["video"], ["*.*"]]) {
      await expect(create(receiver.url, events)).rejects.toMatchObject({ code: "invalid_value", param: "events" });
    }
    const many = await Promise.all(Array.from({ length: 20 }, () => create("https://8.8.8.8/")));
    await expect(create("https://8.8.8.8/")).rejects.toThrow(/at most 20/);
    const { endpoints } = await hooks.jobs.client.listWebhookEndpoints({ ...owner, limit: 1_000 }, call);
    expect(endpoints.map(({ endpointId }) => endpointId).sort()).toEqual(
      many.map(({ endpoint }) => endpoint?.endpointId).sort(),
    );
    for (const { endpointId } of endpoints)
      await hooks.jobs.client.deleteWebhookEndpoint({ ...owner, endpointId }, call);
  });

  test("of another account is as one that is not there", async () => {
    await withEndpoint({}, async (endpointId) => {
      const other = { endpointId, accountId: 8n };
      for (const method of ["updateWebhookEndpoint", "rotateWebhookSecret", "sendTestEvent"] as const) {
        await expect(hooks.jobs.client[method](other, call)).rejects.toMatchObject({ code: "not_found" });
      }
      await hooks.jobs.client.deleteWebhookEndpoint(other, call);
      await hooks.jobs.client.updateWebhookEndpoint({ endpointId, ...owner, description: "mine" }, call);
    });
  });

  test("whose secret is rotated signs with both for a day", async () => {
    await withEndpoint({}, async (endpointId, before) => {
      const rotated = await hooks.jobs.client.rotateWebhookSecret({ ...owner, endpointId }, call);
      expect(Number(rotated.endpoint?.previousSecretUntilUnixMs) - Date.now()).toBeGreaterThan(86_000_000);
      await hooks.jobs.client.sendTestEvent({ ...owner, endpointId }, call);
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
      await beginTestJob(hooks.jobs.client);
      await receiver.has(1);
      await hooks.jobs.client.updateWebhookEndpoint({ endpointId, enabled: false }, call);
      const dead = await deliveryIn(endpointId, DeliveryState.DEAD);
      const test = hooks.jobs.client.sendTestEvent({ endpointId }, call);
      await expect(test).rejects.toThrow(/switched off/);
      const again = hooks.jobs.client.resendDelivery({ deliveryId: dead.deliveryId }, call);
      await expect(again).rejects.toThrow(/switched off/);
    });
  });
});
