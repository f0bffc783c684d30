import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { LedgerKind, SettleCase } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import {
  auditLines,
  codeOf,
  createPayer,
  nextRequestId,
  reserve,
  settle,
  standing,
  startReplica,
  type TestBilling,
} from "../testing.ts";

let postgres: TestPostgres;
let replicas: TestBilling[];
const options = { timeoutMs: 10_000 };
const ttlMs = 300;

beforeAll(async () => {
  postgres = await testPostgres();
  const config = { reservationTtlMs: ttlMs, sweepIntervalMs: 20 };
  replicas = await Promise.all([1, 2, 3].map(() => startReplica(postgres.url, config)));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await postgres.stop();
});

function replica(): TestBilling {
  const [first] = replicas;
  if (first === undefined) throw new Error("no replica");
  return first;
}

/** Waits until the account holds no reservation. */
async function released(accountId: bigint): Promise<void> {
  const endMs = performance.now() + 5_000;
  while ((await standing(replica().client, accountId)).reserved !== 0n) {
    if (performance.now() > endMs) throw new Error("not released");
    await delay(10);
  }
}

test("what is not extended is released once, whoever sweeps, and its slot is free", async () => {
  const { client } = replica();
  const payer = await createPayer(client, { key: { limits: { concurrentRequests: 40 } } });
  const ids = Array.from({ length: 40 }, nextRequestId);
  await Promise.all(ids.map((id) => reserve(client, payer, 5n, id)));
  expect(await codeOf(reserve(client, payer, 1n))).toBe("concurrent_limit_exceeded");
  await released(payer.accountId);
  const { entries } = await client.listLedger({ accountId: payer.accountId }, options);
  const releases = entries.filter((entry) => entry.kind === LedgerKind.RELEASE);
  expect(releases).toHaveLength(40);
  expect(releases[0]).toMatchObject({
    amountNanoUsd: 0n,
    reservedNanoUsd: 5n,
    actor: "sweeper",
    reason: "expired",
    facts: { keyId: payer.keyId, model: "model", errorCode: "interrupted" },
  });
  expect(await codeOf(reserve(client, payer, 1n))).toBe("ok");
  await released(payer.accountId);
  expect(await auditLines(client)).toEqual([]);
});

test("what is extended lives on; what is gone is named", async () => {
  const { client } = replica();
  const payer = await createPayer(client);
  const [kept, lost, unknown] = [nextRequestId(), nextRequestId(), nextRequestId()];
  await Promise.all([kept, lost].map((id) => reserve(client, payer, 5n, id)));
  const endMs = performance.now() + ttlMs * 3;
  while (performance.now() < endMs) {
    expect((await client.extend({ requestIds: [kept] }, options)).goneRequestIds).toEqual([]);
    await delay(ttlMs / 5);
  }
  const { goneRequestIds } = await client.extend({ requestIds: [kept, lost, unknown, 2n ** 64n - 1n] }, options);
  expect(goneRequestIds.sort()).toEqual([lost, unknown, 2n ** 64n - 1n].sort());
  expect(await standing(client, payer.accountId)).toMatchObject({ reserved: 5n });
  await settle(client, payer, 5n, kept);
});

test("an answer that was delivered after its release is charged late, once", async () => {
  const { client } = replica();
  const payer = await createPayer(client, { creditNanoUsd: 100n });
  const [late, failed] = [nextRequestId(), nextRequestId()];
  await Promise.all([late, failed].map((id) => reserve(client, payer, 50n, id)));
  await released(payer.accountId);
  expect(await settle(client, payer, 30n, late)).toMatchObject({
    reservedNanoUsd: 50n,
    billedNanoUsd: 30n,
    reason: "late",
    repeatedCall: false,
  });
  expect(await settle(client, payer, 30n, late)).toMatchObject({
    billedNanoUsd: 30n,
    reason: "late",
    repeatedCall: true,
  });
  const ended = await settle(client, payer, 0n, failed, { case: SettleCase.FAILED });
  expect(ended).toMatchObject({ reservedNanoUsd: 50n, billedNanoUsd: 0n, reason: "late", repeatedCall: true });
  expect(await standing(client, payer.accountId)).toEqual({ balance: 70n, reserved: 0n });
  const { entries } = await client.listLedger({ entryId: late }, options);
  expect(entries.map((entry) => entry.kind)).toEqual([LedgerKind.RELEASE, LedgerKind.CHARGE]);
  expect(await auditLines(client)).toEqual([]);
});
