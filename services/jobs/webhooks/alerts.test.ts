import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeEach, expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { BudgetPeriod } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createLog } from "../../../shared/log.ts";
import { openDatabase } from "../db/open.ts";
import { owner, startTestJobs } from "../testing.ts";
import { startTestWebhooks } from "./testing-endpoints.ts";

const silent = createLog({ service: "jobs", level: "silent" });
const hooks = await startTestWebhooks();
const { postgres, receiver, withEndpoint, deliveriesOf, world } = hooks;
beforeEach(() => {
  world.vendor = (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 });
});

// One connection for all looks: a look that connects first can last longer than it takes until a channel counts as out.
const db = await openDatabase({ url: postgres.url, maxConnections: 1, migrate: false, log: silent });
afterAll(async () => {
  await db.close();
  await hooks[Symbol.asyncDispose]();
});

/** Channels that are out. */
async function outages(): Promise<number> {
  return (await db.query(statement("test_outages", "select channel from jobs.channel_outage"), [])).length;
}

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
      await hooks.jobs.stop();
      hooks.jobs = await startTestJobs(postgres.url, world);
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
      await hooks.jobs.stop();
      hooks.jobs = await startTestJobs(postgres.url, world);
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
