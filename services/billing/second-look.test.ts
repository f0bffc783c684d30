import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { nextLookMs } from "./domain/looks.ts";
import {
  auditLines,
  codeOf,
  createPayer,
  nextRequestId,
  reserve,
  settle,
  startReplica,
  type TestBilling,
} from "./testing.ts";

/** What a request holds, and the far smaller sum that it costs. */
const worst = 1_000n;
const cost = 1n;
const rounds = 200;
/** Enough for one worst case, and for what all rounds cost. */
const forOne = worst + cost * BigInt(rounds);

/** Everything that is given back by a settlement, with room for one request. */
const limits = {
  "the key's slot": { key: { limits: { concurrentRequests: 1 } } },
  "the account's slot": { account: { limits: { concurrentRequests: 1 } } },
  credit: { creditNanoUsd: forOne },
  "the key's budget of a day": { key: { limits: { dailyBudgetNanoUsd: forOne } } },
  "the key's budget of a month": { key: { limits: { monthlyBudgetNanoUsd: forOne } } },
  "the account's budget of a day": { account: { limits: { dailyBudgetNanoUsd: forOne } } },
  "the account's budget of a month": { account: { limits: { monthlyBudgetNanoUsd: forOne } } },
} as const;

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

/** Replicas where settlements linger as they do in operation; the wait is as long as it may be, for machines under load. */
function startReplicas(count: number): Promise<TestBilling[]> {
  return Promise.all(
    Array.from({ length: count }, () => startReplica(postgres.url, { settleLingerMs: 10, refusalWaitMs: 5_000 })),
  );
}

describe.each([1, 2])("over %i replicas", (count) => {
  test(`a strictly sequential client has ${rounds} of ${rounds} requests, whatever there is one of`, {
    timeout: 60_000,
  }, async () => {
    const replicas = await startReplicas(count);
    const at = (i: number): TestBilling["client"] => (replicas[i % count] as TestBilling).client;
    const passed = await Promise.all(
      Object.entries(limits).map(async ([name, of]) => {
        const payer = await createPayer(at(0), of);
        const settled: Promise<unknown>[] = [];
        let ok = 0;
        for (let i = 0; i < rounds; i++) {
          const id = nextRequestId();
          ok += (await codeOf(reserve(at(i), payer, worst, id))) === "ok" ? 1 : 0;
          // The answer is with the client by now, and its settlement is on its way, to whichever replica.
          settled.push(settle(at(i + 1), payer, cost, id));
        }
        await Promise.all(settled);
        return [name, ok];
      }),
    );
    expect(Object.fromEntries(passed)).toEqual(Object.fromEntries(Object.keys(limits).map((name) => [name, rounds])));
    expect(await auditLines(at(0))).toEqual([]);
    await Promise.all(replicas.map((replica) => replica.stop()));
  });
});

describe("where settlements linger for longer than anybody waits", () => {
  const lingering = { settleLingerMs: 600_000, refusalWaitMs: 5_000 };
  const single = { key: { limits: { concurrentRequests: 1 } } };

  test("one that somebody waits for is entered at once, and with it what lingers", async () => {
    await using billing = await startReplica(postgres.url, lingering);
    const { client } = billing;
    const payer = await createPayer(client);
    const [first, second] = [nextRequestId(), nextRequestId()];
    await Promise.all([reserve(client, payer, worst, first), reserve(client, payer, worst, second)]);
    const lingers = settle(client, payer, cost, first);
    await settle(client, payer, cost, second, { waited: true });
    expect(await lingers).toMatchObject({ billedNanoUsd: cost });
  });

  test("those of an account of which a request had to wait are entered at once from then on", async () => {
    await using billing = await startReplica(postgres.url, lingering);
    const { client } = billing;
    const payer = await createPayer(client, single);
    const [first, second] = [nextRequestId(), nextRequestId()];
    await reserve(client, payer, worst, first);
    const lingers = settle(client, payer, cost, first);
    // It finds the slot taken, and makes the settlement that lingers go.
    expect(await codeOf(reserve(client, payer, worst, second))).toBe("ok");
    await lingers;
    await settle(client, payer, cost, second);
  });
});

test("what still runs refuses, with a retry that may soon succeed, and takes nothing of the limits a minute", async () => {
  await using billing = await startReplica(postgres.url, { refusalWaitMs: 30 });
  for (const of of Object.values(limits)) {
    const key = { limits: { requestsPerMinute: 3, ...("key" in of ? of.key.limits : {}) } };
    const payer = await createPayer(billing.client, { ...of, key });
    await reserve(billing.client, payer, worst);
    const refused = await Promise.all(
      [1, 2].map(() => reserve(billing.client, payer, worst).catch((error: unknown) => error)),
    );
    for (const error of refused) expect(error).toMatchObject({ httpStatus: 429, retryAfterMs: 1_000 });
    // As often again: what the two had taken of the limit a minute was given back.
    const again = await Promise.all(
      [1, 2].map(() => reserve(billing.client, payer, worst).catch(ThroughlineError.from)),
    );
    for (const error of again) expect(error).not.toMatchObject({ code: "rate_limit_exceeded" });
  }
});

test("who waits does not keep others waiting", async () => {
  await using billing = await startReplica(postgres.url, { refusalWaitMs: 1_000 });
  const { client } = billing;
  const full = await createPayer(client, { key: { limits: { concurrentRequests: 1 } } });
  const free = await createPayer(client);
  const first = nextRequestId();
  await reserve(client, full, 1n, first);
  let waiting = true;
  const waits = Promise.all([1, 2, 3].map(() => codeOf(reserve(client, full, 1n)))).finally(() => {
    waiting = false;
  });
  // In the same batch, and in those that follow.
  for (let i = 0; i < 5; i++) await Promise.all([1, 2, 3].map(() => reserve(client, free, 1n)));
  expect(waiting).toBe(true);
  await settle(client, full, 1n, first);
  expect((await waits).filter((code) => code === "ok")).toHaveLength(1);
});

test("of more that wait at once than there may be, the rest is refused as it comes", async () => {
  const billing = await startReplica(postgres.url, { refusalWaitMs: 1_000 });
  const { client } = billing;
  const payer = await createPayer(client, { key: { limits: { concurrentRequests: 1 } } });
  await reserve(client, payer, 1n);
  let refused = 0;
  const all = Array.from({ length: 250 }, () => codeOf(reserve(client, payer, 1n)).finally(() => refused++));
  await Promise.race(all);
  await Promise.all([reserve(client, await createPayer(client), 1n)]);
  expect(refused).toBe(50);
  // A process that stops lets go of those that wait.
  await billing.stop();
  expect(new Set(await Promise.all(all))).toEqual(new Set(["concurrent_limit_exceeded"]));
});

test("looks come soon at first, then ever more seldom, and end with the time", () => {
  const times: number[] = [];
  for (let at = nextLookMs(0, 250); at !== undefined; at = nextLookMs(at, 250)) times.push(at);
  expect(times).toEqual([10, 30, 62.5, 112.5, 175, 250]);
  expect(nextLookMs(0, 0)).toBeUndefined();
  expect(nextLookMs(0, -5)).toBeUndefined();
});
