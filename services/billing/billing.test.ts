import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { KeyKind, LedgerKind, SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { secretDigest } from "./domain/secret.ts";
import { startReplica, type TestBilling } from "./testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
let nextRequest = 1n;

const options = { timeoutMs: 10_000 };
const pricing = { strategy: "plain", requestNanoUsd: 100n, outputNanoUsdPerMtok: 1_000_000n, groupRatioPpm: 1_000_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
});
afterAll(async () => {
  await billing.stop();
  await postgres.stop();
});

test("a request is held, charged, and its repeats change nothing", async () => {
  const { client } = billing;
  const { account } = await client.createAccount({ account: { name: "first" } }, options);
  const accountId = account?.accountId ?? 0n;
  await client.addCredit({ accountId, amountNanoUsd: 1_000n, actor: "me", reason: "test", reference: "r" }, options);
  const again = await client.addCredit(
    { accountId, amountNanoUsd: 1_000n, actor: "me", reason: "test", reference: "r" },
    options,
  );
  expect(again.balanceNanoUsd).toBe(1_000n);
  const { key, secret } = await client.createKey({ key: { accountId, kind: KeyKind.API, scopes: ["chat"] } }, options);
  const keyId = key?.keyId ?? 0n;
  const principal = await client.authenticate.call({ secretSha256: secretDigest(secret) }, options);
  expect(principal).toMatchObject({ accountId, keyId, group: "default", scopes: ["chat"] });

  const requestId = nextRequest++;
  const item = { accountId, keyId, module: Module.CHAT, model: "m", pricing, worstCase: { outputTokens: 400n } };
  const held = await client.reserve.call(item, { ...options, requestId });
  expect(held.reservedNanoUsd).toBe(500n);
  expect(await client.reserve.call(item, { ...options, requestId })).toMatchObject({ reservedNanoUsd: 500n });
  await expect(
    client.reserve.call({ ...item, worstCase: { outputTokens: 901n } }, { ...options, requestId: nextRequest++ }),
  ).rejects.toMatchObject({ code: "insufficient_quota", httpStatus: 402 });

  const ending = {
    accountId,
    case: SettleCase.SUCCEEDED,
    usage: { outputTokens: 20n },
    pricing,
    policy: DisconnectPolicy.CHARGE_DELIVERED,
    facts: { keyId, module: Module.CHAT, model: "m", channel: "c", platform: "p" },
  };
  const settled = await client.settle.call(ending, { ...options, requestId });
  expect(settled).toMatchObject({ reservedNanoUsd: 500n, billedNanoUsd: 120n, reason: "usage", repeatedCall: false });
  const repeat = await client.settle.call({ ...ending, usage: { outputTokens: 99n } }, { ...options, requestId });
  expect(repeat).toMatchObject({ reservedNanoUsd: 500n, billedNanoUsd: 120n, reason: "usage", repeatedCall: true });
  await expect(client.reserve.call(item, { ...options, requestId })).rejects.toMatchObject({
    code: "idempotency_conflict",
  });

  const after = await client.getAccount({ accountId }, options);
  expect(after.account).toMatchObject({ balanceNanoUsd: 880n, reservedNanoUsd: 0n });
  const { entries } = await client.listLedger({ accountId }, options);
  expect(entries.map((entry) => entry.kind)).toEqual([LedgerKind.CHARGE, LedgerKind.TOPUP]);
  expect(entries[0]).toMatchObject({
    entryId: requestId,
    amountNanoUsd: -120n,
    reservedNanoUsd: 500n,
    facts: { keyId, module: Module.CHAT, model: "m", channel: "c", platform: "p" },
    usage: { outputTokens: 20n },
    pricing,
  });
  const { checks } = await client.audit({}, options);
  expect(checks.flatMap((check) => check.offending)).toEqual([]);
});
