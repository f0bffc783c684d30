import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { AccountState, KeyKind, SettleCase } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
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

describe("credit", () => {
  test("is held down to the floor and no further", async () => {
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 100n, account: { creditFloorNanoUsd: -50n } });
    await reserve(client, payer, 150n);
    expect(await standing(client, payer.accountId)).toEqual({ balance: 100n, reserved: 150n });
    // With all of it free it would still be too much; the other waits for what is held.
    await expect(reserve(client, payer, 151n)).rejects.toMatchObject({ code: "insufficient_quota", httpStatus: 402 });
    await expect(reserve(client, payer, 151n)).rejects.toThrow(/may cost up to \$0.000000151.*only \$0 .*top up/);
    await expect(reserve(client, payer, 1n)).rejects.toMatchObject({ httpStatus: 429, retryAfterMs: 1_000 });
    await expect(reserve(client, payer, 1n)).rejects.toThrow(/may cost up to \$0.000000001.*only \$0 is not held/);
  });

  test("of a batch goes to whoever fits, in order: a large request does not block smaller ones", async () => {
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 100n });
    const codes = await Promise.all([60n, 50n, 30n, 20n, 10n, 1n].map((n) => codeOf(reserve(client, payer, n))));
    const refused = "insufficient_quota";
    expect(codes).toEqual(["ok", refused, "ok", refused, "ok", refused]);
    expect(await standing(client, payer.accountId)).toEqual({ balance: 100n, reserved: 100n });
  });

  test("is not needed for what is free", async () => {
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 0n });
    expect(await reserve(client, payer, 0n)).toMatchObject({ reservedNanoUsd: 0n });
  });

  test("of one account does not depend on the others in the batch", async () => {
    const { client } = billing;
    const payers = await Promise.all([10n, 0n, 10n].map((creditNanoUsd) => createPayer(client, { creditNanoUsd })));
    const codes = await Promise.all(payers.map((payer) => codeOf(reserve(client, payer, 10n))));
    expect(codes).toEqual(["ok", "insufficient_quota", "ok"]);
  });
});

describe("the key", () => {
  test.each([
    ["for administration", "permission_denied", { kind: KeyKind.CLI, scopes: ["*"] }, /administration key/],
    ["of another scope", "permission_denied", { scopes: ["embeddings"] }, /lacks the scope "chat"/],
    ["for other models", "permission_denied", { allowedModels: ["another"] }, /may not use the model "model"/],
    ["that has expired", "expired_api_key", { expiresUnixMs: 1n }, /create a new key/],
  ])("%s is refused with %s", async (_what, code, key, message) => {
    const { client } = billing;
    const payer = await createPayer(client, { key });
    await expect(reserve(client, payer, 1n)).rejects.toMatchObject({ code });
    await expect(reserve(client, payer, 1n)).rejects.toThrow(message);
    expect(await standing(client, payer.accountId)).toMatchObject({ reserved: 0n });
  });

  test("passes with the one scope and the one model that it needs", async () => {
    const payer = await createPayer(billing.client, { key: { scopes: ["chat"], allowedModels: ["model"] } });
    expect(await codeOf(reserve(billing.client, payer, 1n))).toBe("ok");
  });

  test("must be the account's", async () => {
    const { client } = billing;
    const [one, other] = await Promise.all([createPayer(client), createPayer(client)]);
    const mixed = { accountId: one.accountId, keyId: other.keyId };
    expect(await codeOf(reserve(client, mixed, 1n))).toBe("invalid_api_key");
  });

  test("that is revoked is refused from the next request on, on every replica", async () => {
    await using other = await startReplica(postgres.url);
    const payer = await createPayer(billing.client);
    expect(await codeOf(reserve(other.client, payer, 1n))).toBe("ok");
    await billing.client.revokeKey({ keyId: payer.keyId }, options);
    expect(await codeOf(reserve(other.client, payer, 1n))).toBe("revoked_api_key");
  });

  test("of a suspended account is refused until the account is active again", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const { accountId } = payer;
    await client.updateAccount({ accountId, state: AccountState.SUSPENDED }, options);
    expect(await codeOf(reserve(client, payer, 1n))).toBe("account_suspended");
    await client.updateAccount({ accountId, state: AccountState.ACTIVE }, options);
    expect(await codeOf(reserve(client, payer, 1n))).toBe("ok");
  });
});

describe("concurrent requests", () => {
  test.each(["key", "account"] as const)("of a limited %s leave their slot when they end", async (of) => {
    const { client } = billing;
    const limits = { limits: { concurrentRequests: 2 } };
    const payer = await createPayer(client, { [of]: limits });
    const first = nextRequestId();
    const codes = await Promise.all(
      [first, nextRequestId(), nextRequestId()].map((id) => codeOf(reserve(client, payer, 1n, id))),
    );
    expect(codes).toEqual(["ok", "ok", "concurrent_limit_exceeded"]);
    await expect(reserve(client, payer, 1n)).rejects.toMatchObject({ httpStatus: 429, retryAfterMs: 1_000 });
    await settle(client, payer, 1n, first);
    expect(await codeOf(reserve(client, payer, 1n))).toBe("ok");
    expect(await codeOf(reserve(client, payer, 1n))).toBe("concurrent_limit_exceeded");
  });

  test("that were open before a limit was set count as well", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const first = nextRequestId();
    await reserve(client, payer, 1n, first);
    await client.updateKey({ keyId: payer.keyId, limits: { concurrentRequests: 1 } }, options);
    expect(await codeOf(reserve(client, payer, 1n))).toBe("concurrent_limit_exceeded");
    await settle(client, payer, 1n, first);
    expect(await codeOf(reserve(client, payer, 1n))).toBe("ok");
  });
});

describe("concurrent jobs", () => {
  const job = { job: true };

  test.each(["key", "account"] as const)(
    "of a limited %s count for themselves, and requests for themselves",
    async (of) => {
      const { client } = billing;
      const payer = await createPayer(client, { [of]: { limits: { concurrentRequests: 1, concurrentJobs: 2 } } });
      const [first, second, third, plain] = [nextRequestId(), nextRequestId(), nextRequestId(), nextRequestId()];
      const kinds = [
        [first, job],
        [plain, {}],
        [second, job],
        [third, job],
        [nextRequestId(), {}],
      ] as const;
      // In one batch, so that all are judged together, and each by its own limit.
      const codes = await Promise.all(kinds.map(([id, kind]) => codeOf(reserve(client, payer, 1n, id, kind))));
      expect(codes).toEqual(["ok", "ok", "ok", "concurrent_limit_exceeded", "concurrent_limit_exceeded"]);
      await expect(reserve(client, payer, 1n, nextRequestId(), job)).rejects.toThrow(/may run 2 jobs at once/);
      expect(await auditLines(client)).toEqual([]);
      await settle(client, payer, 1n, first);
      expect(await codeOf(reserve(client, payer, 1n))).toBe("concurrent_limit_exceeded");
      expect(await codeOf(reserve(client, payer, 1n, third, job))).toBe("ok");
      for (const id of [second, third, plain]) await settle(client, payer, 1n, id);
      expect(await auditLines(client)).toEqual([]);
      expect(await codeOf(reserve(client, payer, 1n))).toBe("ok");
    },
  );

  test("that were open before a limit was set count as well", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const first = nextRequestId();
    await reserve(client, payer, 1n, first, job);
    await client.updateKey({ keyId: payer.keyId, limits: { concurrentJobs: 1, concurrentRequests: 1 } }, options);
    expect(await codeOf(reserve(client, payer, 1n, nextRequestId(), job))).toBe("concurrent_limit_exceeded");
    expect(await codeOf(reserve(client, payer, 1n))).toBe("ok");
    await settle(client, payer, 1n, first);
    expect(await codeOf(reserve(client, payer, 1n, nextRequestId(), job))).toBe("ok");
    expect(await auditLines(client)).toEqual([]);
  });
});

describe("a budget", () => {
  test.each([
    ["key", "a day", { dailyBudgetNanoUsd: 100n }],
    ["key", "a month", { monthlyBudgetNanoUsd: 100n }],
    ["account", "a day", { dailyBudgetNanoUsd: 100n }],
    ["account", "a month", { monthlyBudgetNanoUsd: 100n }],
  ] as const)("of the %s for %s covers what is spent and what is held", async (of, _period, limits) => {
    const { client } = billing;
    const payer = await createPayer(client, { [of]: { limits } });
    const first = nextRequestId();
    await reserve(client, payer, 80n, first);
    expect(await codeOf(reserve(client, payer, 21n))).toBe("insufficient_quota");
    await settle(client, payer, 70n, first);
    const codes = await Promise.all([31n, 30n, 1n].map((n) => codeOf(reserve(client, payer, n))));
    expect(codes).toEqual(["insufficient_quota", "ok", "insufficient_quota"]);
    const held = reserve(client, payer, 30n);
    await expect(held).rejects.toMatchObject({ code: "insufficient_quota", httpStatus: 429, retryAfterMs: 1_000 });
    await expect(held).rejects.toThrow(/is held by requests that still run/);
    const spent = reserve(client, payer, 31n);
    await expect(spent).rejects.toMatchObject({ code: "insufficient_quota", httpStatus: 429 });
    await expect(spent).rejects.toThrow(/renews at \d{4}-\d\d-\d\dT00:00:00Z/);
  });

  test("that is set late counts what was spent before it", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const first = nextRequestId();
    await reserve(client, payer, 80n, first);
    await settle(client, payer, 80n, first);
    await client.updateKey({ keyId: payer.keyId, limits: { dailyBudgetNanoUsd: 100n } }, options);
    const codes = await Promise.all([21n, 20n].map((n) => codeOf(reserve(client, payer, n))));
    expect(codes).toEqual(["insufficient_quota", "ok"]);
  });
});

describe("an Idempotency-Key", () => {
  const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
  const keyed = (idempotencyKey: string, fill = 1) => ({ idempotencyKey, idempotencyDigest: digest(fill) });
  const ok = { httpStatus: 200, contentType: "application/json", body: new TextEncoder().encode("{}") };

  test("waits while its request runs, and replays its answer then, without a second charge", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const first = nextRequestId();
    await reserve(client, payer, 10n, first, keyed("a"));
    expect(await codeOf(reserve(client, payer, 10n, nextRequestId(), keyed("a")))).toBe("idempotency_conflict");
    expect(await codeOf(reserve(client, payer, 10n, nextRequestId(), keyed("a", 2)))).toBe("idempotency_mismatch");
    await settle(client, payer, 10n, first);
    // Settled, not stored yet: still not the time to run anew.
    expect(await codeOf(reserve(client, payer, 10n, nextRequestId(), keyed("a")))).toBe("idempotency_conflict");
    await client.storeAnswer({ requestId: first, ...ok }, options);
    await client.storeAnswer({ requestId: first, ...ok, httpStatus: 500 }, options);
    const replay = await reserve(client, payer, 10n, nextRequestId(), keyed("a"));
    expect(replay).toMatchObject({ replayRequestId: first, reservedNanoUsd: 0n });
    expect(await codeOf(reserve(client, payer, 10n, nextRequestId(), keyed("a", 2)))).toBe("idempotency_mismatch");
    const answer = await client.getAnswer({ requestId: first, accountId: payer.accountId }, options);
    expect({ ...answer, body: Buffer.from(answer.body).toString() }).toMatchObject({ ...ok, body: "{}" });
    expect(await standing(client, payer.accountId)).toEqual({ balance: 999_990n, reserved: 0n });
  });

  test("of a job that goes on leads every repeat to it, also once it has failed", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const first = nextRequestId();
    await reserve(client, payer, 10n, first, keyed("job"));
    await client.storeAnswer({ requestId: first, ...ok, httpStatus: 202, begun: true }, options);
    expect(await reserve(client, payer, 10n, nextRequestId(), keyed("job"))).toMatchObject({ replayRequestId: first });
    await settle(client, payer, 0n, first, { case: SettleCase.FAILED });
    expect(await reserve(client, payer, 10n, nextRequestId(), keyed("job"))).toMatchObject({ replayRequestId: first });
    expect((await client.getAnswer({ requestId: first, accountId: payer.accountId }, options)).httpStatus).toBe(202);
    expect(await codeOf(reserve(client, payer, 10n, nextRequestId(), keyed("job", 2)))).toBe("idempotency_mismatch");
  });

  test("is the account's own, and so is the answer", async () => {
    const { client } = billing;
    const [one, other] = await Promise.all([createPayer(client), createPayer(client)]);
    const first = nextRequestId();
    await reserve(client, one, 1n, first, keyed("mine"));
    expect(await codeOf(reserve(client, other, 1n, nextRequestId(), keyed("mine", 2)))).toBe("ok");
    await settle(client, one, 1n, first);
    await client.storeAnswer({ requestId: first, ...ok }, options);
    const asked = client.getAnswer({ requestId: first, accountId: other.accountId }, options);
    expect(await codeOf(asked)).toBe("not_found");
  });

  test("of a request that failed or was forgotten runs anew, with any body", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const [failed, large] = [nextRequestId(), nextRequestId()];
    await reserve(client, payer, 1n, failed, keyed("failed"));
    await settle(client, payer, 0n, failed, { case: SettleCase.FAILED });
    expect(await codeOf(reserve(client, payer, 1n, nextRequestId(), keyed("failed", 2)))).toBe("ok");
    await reserve(client, payer, 1n, large, keyed("large"));
    await settle(client, payer, 1n, large);
    await client.storeAnswer({ requestId: large, forget: true }, options);
    expect(await codeOf(reserve(client, payer, 1n, nextRequestId(), keyed("large", 2)))).toBe("ok");
  });

  test("is free again where its request was not charged, also if an answer is stored for it", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const { FAILED, DISCONNECTED } = SettleCase;
    for (const ending of [{ case: FAILED }, { case: DISCONNECTED, policy: DisconnectPolicy.REFUND }]) {
      const left = nextRequestId();
      const key = keyed(`left ${ending.case}`);
      await reserve(client, payer, 1n, left, key);
      await settle(client, payer, 1n, left, ending);
      await client.storeAnswer({ requestId: left, ...ok }, options);
      const anew = await reserve(client, payer, 1n, nextRequestId(), key);
      expect(anew).toMatchObject({ replayRequestId: 0n, reservedNanoUsd: 1n });
    }
  });

  test("sent many times at once runs once", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    const codes = await Promise.all(
      Array.from({ length: 20 }, () => codeOf(reserve(client, payer, 1n, nextRequestId(), keyed("many")))),
    );
    expect(codes.filter((code) => code === "ok")).toHaveLength(1);
    expect(codes.filter((code) => code === "idempotency_conflict")).toHaveLength(19);
  });

  test("of a request that was refused is free again", async () => {
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 5n });
    const codes = await Promise.all(
      [6n, 5n].map((n) => codeOf(reserve(client, payer, n, nextRequestId(), keyed("refused")))),
    );
    expect(codes).toEqual(["insufficient_quota", "ok"]);
  });
});

test("a batch with faulty items serves the others", async () => {
  const { client } = billing;
  const payer = await createPayer(client);
  const codes = await Promise.all([
    codeOf(reserve(client, payer, 1n)),
    codeOf(reserve(client, payer, 1n, 0n)),
    codeOf(reserve(client, payer, 1n, nextRequestId(), { module: Module.UNSPECIFIED })),
    codeOf(reserve(client, payer, 1n, nextRequestId(), { model: "a\0b" })),
    codeOf(reserve(client, payer, 1n << 60n)),
    codeOf(reserve(client, payer, 1n, nextRequestId(), { idempotencyKey: "k" })),
    codeOf(reserve(client, { accountId: 999_999n, keyId: payer.keyId }, 1n)),
    codeOf(reserve(client, payer, 1n)),
  ]);
  expect(codes).toEqual(["ok", ...Array.from({ length: 5 }, () => "invalid_value"), "invalid_api_key", "ok"]);
});
