import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import {
  auditLines,
  codeOf,
  createPayer,
  nextRequestId,
  type Payer,
  reserve,
  settle,
  standing,
  startReplica,
  type TestBilling,
} from "./testing.ts";

let postgres: TestPostgres;
let replicas: TestBilling[];
const options = { timeoutMs: 15_000 };
const n = 100;

beforeAll(async () => {
  postgres = await testPostgres();
  // All three migrate at once.
  replicas = await Promise.all([1, 2, 3].map(() => startReplica(postgres.url)));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await postgres.stop();
});

function pick(i: number): TestBilling {
  const replica = replicas[i % replicas.length];
  if (replica === undefined) throw new Error("no replica");
  return replica;
}

/** 10 N requests at once, on whichever replica. */
function tenfold(payer: Payer): Promise<string[]> {
  return Promise.all(Array.from({ length: 10 * n }, (_, i) => codeOf(reserve(pick(i).client, payer, 7n))));
}

const count = (codes: readonly string[], code: string): number => codes.filter((each) => each === code).length;

test.each([
  ["credit for N", { creditNanoUsd: BigInt(7 * n + 6) }, "insufficient_quota"],
  ["a key's daily budget for N", { key: { limits: { dailyBudgetNanoUsd: BigInt(7 * n) } } }, "insufficient_quota"],
  [
    "an account's monthly budget for N",
    { account: { limits: { monthlyBudgetNanoUsd: BigInt(7 * n) } } },
    "insufficient_quota",
  ],
  ["N slots of a key", { key: { limits: { concurrentRequests: n } } }, "concurrent_limit_exceeded"],
  ["N slots of an account", { account: { limits: { concurrentRequests: n } } }, "concurrent_limit_exceeded"],
] as const)("with %s and 10 N at once over three replicas, exactly N run", async (_what, of, code) => {
  const payer = await createPayer(pick(0).client, of);
  const codes = await tenfold(payer);
  expect([count(codes, "ok"), count(codes, code)]).toEqual([n, 9 * n]);
  expect((await standing(pick(1).client, payer.accountId)).reserved).toBe(BigInt(7 * n));
  expect(await auditLines(pick(2).client)).toEqual([]);
});

test("many accounts at once do not take each other's credit, nor wait for ever", async () => {
  const payers = await Promise.all(
    Array.from({ length: 20 }, () => createPayer(pick(0).client, { creditNanoUsd: 70n })),
  );
  const codes = await Promise.all(
    Array.from({ length: 2_000 }, (_, i) => codeOf(reserve(pick(i >> 1).client, payers[i % 20] as Payer, 7n))),
  );
  expect([count(codes, "ok"), count(codes, "insufficient_quota")]).toEqual([200, 1_800]);
  expect(await auditLines(pick(0).client)).toEqual([]);
});

test("the same requests sent to every replica at once are held and charged once", async () => {
  const payer = await createPayer(pick(0).client);
  const ids = Array.from({ length: n }, nextRequestId);
  await Promise.all(ids.flatMap((id) => replicas.map(({ client }) => reserve(client, payer, 5n, id))));
  expect(await standing(pick(0).client, payer.accountId)).toMatchObject({ reserved: BigInt(5 * n) });
  const settlements = await Promise.all(
    ids.flatMap((id) => replicas.map(({ client }) => settle(client, payer, 3n, id))),
  );
  expect(settlements.filter(({ repeatedCall }) => !repeatedCall)).toHaveLength(n);
  expect(settlements.every(({ billedNanoUsd }) => billedNanoUsd === 3n)).toBe(true);
  expect(await standing(pick(0).client, payer.accountId)).toEqual({
    balance: 1_000_000n - BigInt(3 * n),
    reserved: 0n,
  });
  expect(await auditLines(pick(0).client)).toEqual([]);
});

test("keys, credits and extensions in the middle of it end in no deadlock", async () => {
  const { client } = pick(0);
  const payers = await Promise.all(
    [1, 2, 3].map(() => createPayer(client, { key: { limits: { concurrentRequests: 1_000 } } })),
  );
  const ids = Array.from({ length: 300 }, nextRequestId);
  const payerAt = (i: number): Payer => payers[i % payers.length] as Payer;
  await Promise.all(ids.map((id, i) => reserve(pick(i).client, payerAt(i), 1n, id)));
  const codes = await Promise.all([
    ...ids.map((id, i) => codeOf(settle(pick(i).client, payerAt(i), 1n, id))),
    ...ids.map((_, i) => codeOf(reserve(pick(i + 1).client, payerAt(i), 1n))),
    ...[0, 1, 2].map((i) => codeOf(pick(i).client.extend({ requestIds: i % 2 ? ids : ids.toReversed() }, options))),
    ...payers.map(({ keyId }, i) =>
      codeOf(pick(i).client.updateKey({ keyId, limits: { concurrentRequests: 900 } }, options)),
    ),
    ...payers.map(({ keyId }, i) => codeOf(pick(i + 1).client.rotateKey({ keyId, overlapMs: 60_000n }, options))),
    ...payers.map(({ accountId }, i) =>
      codeOf(pick(i + 2).client.addCredit({ accountId, amountNanoUsd: 5n, actor: "test", reason: "more" }, options)),
    ),
  ]);
  expect(count(codes, "ok")).toBe(codes.length);
  expect(await auditLines(client)).toEqual([]);
});
