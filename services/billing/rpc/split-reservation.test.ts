import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { SettleCase } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  auditLines,
  codeOf,
  createPayer,
  nextRequestId,
  type Payer,
  pricing,
  reserve,
  settle,
  standing,
  startReplica,
  type TestBilling,
} from "../testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
const options = { timeoutMs: 10_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
});
afterAll(async () => {
  expect(await auditLines(billing.client)).toEqual([]);
  await billing.stop();
  await postgres.stop();
});

async function split(payer: Payer, fromRequestId: bigint, parts: readonly (readonly [id: bigint, amount: bigint])[]) {
  const { unheldRequestIds } = await billing.client.splitReservation(
    {
      accountId: payer.accountId,
      fromRequestId,
      parts: parts.map(([requestId, amountNanoUsd]) => ({
        ...{ requestId, amountNanoUsd, module: Module.CHAT, model: "m", dialect: "openai.chat", pricing },
      })),
    },
    options,
  );
  return unheldRequestIds;
}

test("a batch is held as a sum, its lines take their parts of it, and what is left comes back", async () => {
  const { client } = billing;
  const limits = { concurrentRequests: 1 };
  const payer = await createPayer(client, { creditNanoUsd: 100n, account: { limits } });
  const [batch, a, b, c] = [nextRequestId(), nextRequestId(), nextRequestId(), nextRequestId()];
  await reserve(client, payer, 0n, batch, { amountNanoUsd: 90n });
  expect(
    await split(payer, batch, [
      [a, 40n],
      [b, 30n],
    ]),
  ).toEqual([]);
  expect(await standing(client, payer.accountId)).toEqual({ balance: 100n, reserved: 90n });
  expect(await auditLines(client)).toEqual([]);

  // Again, with one that would take more than is left.
  expect(
    await split(payer, batch, [
      [a, 40n],
      [c, 21n],
      [b, 30n],
    ]),
  ).toEqual([c]);
  expect(await split(payer, batch, [[c, 20n]])).toEqual([]);
  expect(await standing(client, payer.accountId)).toEqual({ balance: 100n, reserved: 90n });

  expect(await settle(client, payer, 35n, a)).toMatchObject({ reservedNanoUsd: 40n, billedNanoUsd: 35n });
  expect(await settle(client, payer, 0n, b, { case: SettleCase.FAILED })).toMatchObject({ reservedNanoUsd: 30n });
  expect(await split(payer, batch, [[a, 40n]])).toEqual([]);
  await settle(client, payer, 20n, c);
  expect(await settle(client, payer, 0n, batch)).toMatchObject({ reservedNanoUsd: 0n, billedNanoUsd: 0n });
  expect(await standing(client, payer.accountId)).toEqual({ balance: 45n, reserved: 0n });
});

test("lines of a batch leave the slots of concurrent requests to requests that somebody waits for", async () => {
  const { client } = billing;
  const payer = await createPayer(client, { creditNanoUsd: 100n, key: { limits: { concurrentRequests: 1 } } });
  const [batch, line, plain, other] = [nextRequestId(), nextRequestId(), nextRequestId(), nextRequestId()];
  await reserve(client, payer, 0n, batch, { amountNanoUsd: 50n });
  await split(payer, batch, [[line, 10n]]);
  await reserve(client, payer, 10n, plain);
  expect(await codeOf(reserve(client, payer, 10n, other))).toBe("concurrent_limit_exceeded");
  expect(await auditLines(client)).toEqual([]);
  for (const id of [plain, line, batch]) await settle(client, payer, 1n, id);
  expect(await standing(client, payer.accountId)).toEqual({ balance: 97n, reserved: 0n });
});

test("nothing is given of a reservation that is gone or another account's", async () => {
  const { client } = billing;
  const [payer, other] = [
    await createPayer(client, { creditNanoUsd: 100n }),
    await createPayer(client, { creditNanoUsd: 100n }),
  ];
  const [batch, line] = [nextRequestId(), nextRequestId()];
  await reserve(client, payer, 0n, batch, { amountNanoUsd: 50n });
  expect(await split(other, batch, [[line, 10n]])).toEqual([line]);
  await settle(client, payer, 0n, batch);
  expect(await split(payer, batch, [[line, 10n]])).toEqual([line]);
  expect(await standing(client, payer.accountId)).toEqual({ balance: 100n, reserved: 0n });
  expect(await standing(client, other.accountId)).toEqual({ balance: 100n, reserved: 0n });
});

test("parts that cannot be are refused as a whole", async () => {
  const payer = await createPayer(billing.client, { creditNanoUsd: 100n });
  const [batch, line] = [nextRequestId(), nextRequestId()];
  expect(await codeOf(split(payer, batch, [[line, -1n]]))).toBe("invalid_value");
  expect(
    await codeOf(
      split(payer, batch, [
        [line, 1n],
        [line, 1n],
      ]),
    ),
  ).toBe("invalid_value");
  expect(await codeOf(split(payer, batch, []))).toBe("invalid_value");
});
