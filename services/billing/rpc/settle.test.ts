import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { LedgerKind, SettleCase } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, Module, Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { auditLedger } from "../db/audit.ts";
import type { BillingSchema } from "../db/schema.ts";
import {
  auditLines,
  type BillingClient,
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

async function entriesOf(client: BillingClient, accountId: bigint, entryId: bigint) {
  return (await client.listLedger({ accountId, entryId }, options)).entries;
}

describe("the vendor's list price and the labels of a request", () => {
  const pricing = {
    ...{ strategy: "test", outputNanoUsdPerMtok: 1_000_000n, requestNanoUsd: 3n, groupRatioPpm: 500_000 },
    rates: [{ unit: Unit.SEARCHES, nanoUsd: 5n }],
  };
  const usage = { outputTokens: 41n, more: [{ unit: Unit.SEARCHES, amount: 2n }] };
  const vendorCost = { ...usage, more: [{ unit: Unit.VENDOR_NANO_USD, amount: 99n }] };
  test.each([
    ["of prices that are the list's: before the group's ratio", { ...pricing, isListPrice: true }, usage, 54n, 27n],
    ["of others", { ...pricing, listPricing: { outputNanoUsdPerMtok: 2_000_001n } }, usage, 83n, 27n],
    [
      "of a part of others",
      { ...pricing, listPricing: { outputNanoUsdPerMtok: 2_000_001n, groupRatioPpm: 500_000 } },
      usage,
      42n,
      27n,
    ],
    ["that is not known", pricing, usage, undefined, 27n],
    ["that the vendor itself says", pricing, vendorCost, 99n, 22n],
  ])("%s", async (_what, prices, used, list, billedNanoUsd) => {
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 1_000n });
    const id = nextRequestId();
    await reserve(client, payer, 90n, id);
    const facts = { keyId: payer.keyId, module: Module.CHAT, model: "model", endUser: "ann", tags: ["b", "a: ü"] };
    const settlement = await settle(client, payer, 0n, id, { pricing: prices, usage: used, facts });
    expect(settlement).toMatchObject({ billedNanoUsd });
    expect(settlement.listPriceNanoUsd).toBe(list);
    const [entry] = await entriesOf(client, payer.accountId, id);
    expect(entry?.listPriceNanoUsd).toBe(list);
    expect(entry?.facts).toMatchObject({ endUser: "ann", tags: ["b", "a: ü"] });
  });

  test("that was altered is found by the audit", async () => {
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 1_000n });
    const id = nextRequestId();
    await reserve(client, payer, 90n, id);
    await settle(client, payer, 0n, id, { pricing: { ...pricing, isListPrice: true }, usage });
    const owner = createDatabase<BillingSchema>({
      url: postgres.url,
      schema: "billing",
      applicationName: "test",
      log: silentLog,
    });
    // Never committed: the job that keeps sums of usage would take an altered entry into them.
    const found: string[] = [];
    const looked = owner.transaction(async (trx) => {
      await sql`set local session_replication_role = replica`.execute(trx.kysely);
      await sql`update billing.ledger set list_price = list_price + 1 where entry_id = ${id}`.execute(trx.kysely);
      found.push(...(await auditLedger(trx)).flatMap(({ offending }) => offending));
      throw new Error("taken back");
    });
    await expect(looked).rejects.toThrow("taken back");
    expect(found).toEqual([expect.stringMatching(`request ${id}: list price 55, usage costs 54 by the list`)]);
    await owner.close();
  });
});

describe("the written policy", () => {
  const { SUCCEEDED, FAILED, BROKEN, DISCONNECTED } = SettleCase;
  const { UNSPECIFIED, CHARGE_DELIVERED, DRAIN, REFUND } = DisconnectPolicy;
  test.each([
    ["an answer", SUCCEEDED, UNSPECIFIED, 40n, "usage", LedgerKind.CHARGE],
    ["a failure before the first token", FAILED, UNSPECIFIED, 0n, "failed_before_first_token", LedgerKind.RELEASE],
    ["a failure in the middle", BROKEN, UNSPECIFIED, 40n, "broken_delivered", LedgerKind.CHARGE],
    ["a disconnect, no policy", DISCONNECTED, UNSPECIFIED, 40n, "disconnect_delivered", LedgerKind.CHARGE],
    ["a disconnect, delivered", DISCONNECTED, CHARGE_DELIVERED, 40n, "disconnect_delivered", LedgerKind.CHARGE],
    ["a disconnect, drained", DISCONNECTED, DRAIN, 40n, "disconnect_drained", LedgerKind.CHARGE],
    ["a disconnect, refunded", DISCONNECTED, REFUND, 0n, "disconnect_refunded", LedgerKind.RELEASE],
  ] as const)("for %s", async (_what, ending, policy, billedNanoUsd, reason, kind) => {
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 100n });
    const id = nextRequestId();
    await reserve(client, payer, 90n, id);
    const settlement = await settle(client, payer, 40n, id, { case: ending, policy });
    expect(settlement).toMatchObject({ reservedNanoUsd: 90n, billedNanoUsd, reason, repeatedCall: false });
    expect(await standing(client, payer.accountId)).toEqual({ balance: 100n - billedNanoUsd, reserved: 0n });
    const entries = await entriesOf(client, payer.accountId, id);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      kind,
      amountNanoUsd: -billedNanoUsd,
      reservedNanoUsd: 90n,
      reason,
      actor: "gateway",
    });
  });
});

test("a charge may exceed what was held, and then takes the balance below the floor", async () => {
  const { client } = billing;
  const payer = await createPayer(client, { creditNanoUsd: 100n });
  const id = nextRequestId();
  await reserve(client, payer, 100n, id);
  await settle(client, payer, 130n, id);
  expect(await standing(client, payer.accountId)).toEqual({ balance: -30n, reserved: 0n });
  expect(await codeOf(reserve(client, payer, 1n))).toBe("insufficient_quota");
});

test("many settlements of one account in a batch, repeats and strangers among them", async () => {
  const { client } = billing;
  const [payer, other] = await Promise.all([createPayer(client), createPayer(client)]);
  const ids = Array.from({ length: 20 }, nextRequestId);
  await Promise.all(ids.map((id) => reserve(client, payer, 10n, id)));
  const calls = ids.flatMap((id, i) => [
    settle(client, payer, BigInt(i % 11), id),
    settle(client, payer, 10n, id),
    settle(client, other, 10n, id).catch((error: unknown) => error),
  ]);
  const answers = await Promise.all(calls);
  for (const [i] of ids.entries()) {
    const billedNanoUsd = BigInt(i % 11);
    expect(answers[i * 3]).toMatchObject({ billedNanoUsd, repeatedCall: false });
    expect(answers[i * 3 + 1]).toMatchObject({ billedNanoUsd, repeatedCall: true });
    expect(answers[i * 3 + 2]).toMatchObject({ code: "invalid_value", param: "account_id" });
  }
  const charged = ids.reduce((sum, _id, i) => sum + BigInt(i % 11), 0n);
  expect(await standing(client, payer.accountId)).toEqual({ balance: 1_000_000n - charged, reserved: 0n });
});

test("a request that was never reserved can be ended, and then cannot begin any more", async () => {
  const { client } = billing;
  const payer = await createPayer(client);
  const id = nextRequestId();
  const first = await settle(client, payer, 0n, id, { case: SettleCase.FAILED });
  expect(first).toMatchObject({ billedNanoUsd: 0n, reservedNanoUsd: 0n, repeatedCall: false });
  expect(await settle(client, payer, 0n, id, { case: SettleCase.FAILED })).toMatchObject({ repeatedCall: true });
  expect(await codeOf(reserve(client, payer, 1n, id))).toBe("idempotency_conflict");
});

test("an entry keeps all that the request was", async () => {
  const { client } = billing;
  const payer = await createPayer(client, { creditNanoUsd: 10_000_000n });
  const id = nextRequestId();
  await reserve(client, payer, 100n, id, { userId: "user 7", dialect: "openai.chat" });
  const usage = {
    inputTokens: 1n,
    cachedInputTokens: 2n,
    cacheWriteTokens: 3n,
    outputTokens: 4n,
    reasoningTokens: 5n,
    images: 6n,
    audioMs: 7n,
    characters: 8n,
    estimated: true,
  };
  const pricing = {
    strategy: "dear",
    inputNanoUsdPerMtok: 1_000_000n,
    cachedInputNanoUsdPerMtok: 2_000_000n,
    cacheWriteNanoUsdPerMtok: 3_000_000n,
    outputNanoUsdPerMtok: 4_000_000n,
    reasoningNanoUsdPerMtok: 5_000_000n,
    imageNanoUsd: 6n,
    audioSecondNanoUsd: 7_000n,
    characterNanoUsdPerMchar: 8_000_000n,
    requestNanoUsd: 9n,
    groupRatioPpm: 500_001,
    source: 2 as const,
  };
  const facts = {
    keyId: payer.keyId,
    module: Module.IMAGE,
    model: "painter",
    channel: "studio",
    platform: "vendor",
    errorCode: "upstream_error",
    group: "gold",
    dialect: "openai.chat",
  };
  const settlement = await settle(client, payer, 0n, id, { case: SettleCase.BROKEN, usage, pricing, facts });
  // (1 + 4 + 9 + 16 + 25 + 36 + 49 + 64 + 9) x 0.500001, rounded up.
  expect(settlement.billedNanoUsd).toBe(107n);
  const [entry] = await entriesOf(client, payer.accountId, id);
  expect(entry).toMatchObject({ usage, pricing, facts: { ...facts, userId: "user 7" }, amountNanoUsd: -107n });
});

test("faulty items are refused alone", async () => {
  const { client } = billing;
  const payer = await createPayer(client);
  const ids = Array.from({ length: 7 }, nextRequestId);
  await Promise.all(ids.map((id) => reserve(client, payer, 1n, id)));
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n] = ids;
  const codes = await Promise.all([
    codeOf(settle(client, payer, 1n, a)),
    codeOf(settle(client, payer, 1n, b, { case: SettleCase.UNSPECIFIED })),
    codeOf(
      client.settle.call({ accountId: payer.accountId, case: SettleCase.SUCCEEDED }, { ...options, requestId: c }),
    ),
    codeOf(settle(client, payer, 1n << 63n, d)),
    codeOf(settle(client, { ...payer, accountId: 0n }, 1n, e)),
    codeOf(settle(client, payer, 1n, f, { pricing: { requestNanoUsd: -1n } })),
    codeOf(settle(client, payer, 1n, g)),
  ]);
  expect(codes).toEqual(["ok", ...Array.from({ length: 5 }, () => "invalid_value"), "ok"]);
  await Promise.all([b, c, d, e, f].map((id) => settle(client, payer, 0n, id, { case: SettleCase.FAILED })));
});
