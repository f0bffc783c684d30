import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { testPostgres } from "../../../shared/db/testing.ts";
import type { Delivery, DeliveryState } from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { owner, startTestJobs } from "../testing.ts";
import { createWorld } from "../testing-world.ts";
import { type Received, startReceiver } from "./testing-receiver.ts";

/** Options of a call to jobs. */
export const call = { requestId: 1n, timeoutMs: 10_000 };

/** The event of a message, as OpenAI's SDK reads it; rejects where the message is not signed by `secret`. */
export const unwrap = (secret: string, { body, headers }: Received) =>
  new OpenAI({ apiKey: "unused", webhookSecret: secret }).webhooks.unwrap(body, headers);

/** Starts jobs on a database of their own, and a receiver of their webhooks. */
export async function startTestWebhooks() {
  const [postgres, receiver] = await Promise.all([testPostgres(), startReceiver()]);
  const world = createWorld();
  const hooks = {
    postgres,
    receiver,
    world,
    /** The service; a test that starts it again puts the new one here. */
    jobs: await startTestJobs(postgres.url, world),
    withEndpoint,
    deliveriesOf,
    deliveryIn,
    async [Symbol.asyncDispose]() {
      await hooks.jobs.stop();
      await receiver.close();
      await postgres.stop();
    },
  };

  /** Makes an endpoint for as long as `run` takes. */
  async function withEndpoint(
    {
      url = receiver.url,
      events = ["*"],
      ...rest
    }: { url?: string; events?: string[]; accountId?: bigint; platform?: boolean },
    run: (endpointId: bigint, secret: string) => Promise<void>,
  ): Promise<void> {
    const made = await hooks.jobs.client.createWebhookEndpoint({ ...owner, ...rest, url, events }, call);
    const endpointId = made.endpoint?.endpointId ?? 0n;
    receiver.received.length = 0;
    receiver.answer = (_, response) => void response.writeHead(204).end();
    try {
      await run(endpointId, made.secret);
    } finally {
      await hooks.jobs.client.deleteWebhookEndpoint({ endpointId }, call);
    }
  }

  async function deliveriesOf(endpointId: bigint): Promise<Delivery[]> {
    return (await hooks.jobs.client.listDeliveries({ endpointId, limit: 100 }, call)).deliveries;
  }

  /** Waits until the only delivery of an endpoint is in a state. */
  async function deliveryIn(endpointId: bigint, state: DeliveryState): Promise<Delivery> {
    for (;;) {
      const [one] = await deliveriesOf(endpointId);
      if (one?.state === state) return one;
      await delay(10);
    }
  }

  return hooks;
}
