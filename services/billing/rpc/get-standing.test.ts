import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { KeyKind, type Standing } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { codeOf, createPayer, nextRequestId, reserve, settle, startReplica, type TestBilling } from "../testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
const options = { timeoutMs: 10_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
});
afterAll(async () => {
  await billing.stop();
  await postgres.stop();
});

const keyOf = (accountId: bigint) => ({ accountId, kind: KeyKind.API, scopes: ["*"] });
const standing = (accountId: bigint, keyId: bigint) => billing.client.getStanding({ accountId, keyId }, options);

test("says what a key and its account have used of their limits, and takes nothing by asking", async () => {
  const payer = await createPayer(billing.client, {
    account: { limits: { tokensPerMinute: 1_000_000n } },
    key: { limits: { requestsPerMinute: 5, dailyBudgetNanoUsd: 1_000_000_000n } },
  });
  const first = nextRequestId();
  await reserve(billing.client, payer, 500n, first);
  await reserve(billing.client, payer, 100n, nextRequestId(), { job: true });
  const running = await standing(payer.accountId, payer.keyId);
  expect(running.keyStanding).toMatchObject({
    openRequests: 1n,
    openJobs: 1n,
    minuteRequests: 2n,
    daySpentNanoUsd: 0n,
  });
  expect(running.keyStanding?.reservedNanoUsd).toBeGreaterThan(0n);
  expect(running.accountStanding?.minuteTokens).toBeGreaterThan(0n);
  expect(running.keyStanding?.requestsResetMs).toBeGreaterThan(0n);

  const { billedNanoUsd } = await settle(billing.client, payer, 300n, first);
  expect(billedNanoUsd).toBeGreaterThan(0n);
  const ended = await standing(payer.accountId, payer.keyId);
  const spent = { daySpentNanoUsd: billedNanoUsd, monthSpentNanoUsd: billedNanoUsd, openRequests: 0n };
  expect(ended.keyStanding).toMatchObject({ ...spent, reservedNanoUsd: 100n, openJobs: 1n, minuteRequests: 2n });
  expect(ended.accountStanding).toMatchObject(spent);
  expect(ended.account?.accountId).toBe(payer.accountId);
  expect(ended.key?.limits).toMatchObject({ requestsPerMinute: 5 });
});

test("a list of keys says of each what it has used, as it is said of one, and nothing unless it is asked", async () => {
  const limits = { requestsPerMinute: 9, monthlyBudgetNanoUsd: 1_000_000_000n };
  const first = await createPayer(billing.client, { key: { limits } });
  const { accountId } = first;
  const made = await Promise.all(
    [1, 2, 3].map((n) =>
      billing.client.createKey({ key: { ...keyOf(accountId), ...(n === 2 ? {} : { limits }) } }, options),
    ),
  );
  const payers = [first, ...made.map(({ key }) => ({ accountId, keyId: key?.keyId ?? 0n }))];
  for (const [i, payer] of payers.entries()) {
    for (let n = 0; n < i; n++) await reserve(billing.client, { ...first, ...payer }, 100n, nextRequestId());
  }
  const list = (withStanding: boolean) => billing.client.listKeys({ accountId, withStanding }, options);
  const { keys, standings } = await list(true);
  const clockless = (one: Standing | undefined) => ({ ...one, requestsResetMs: 0n, tokensResetMs: 0n });
  const each = await Promise.all(keys.map(({ keyId }) => standing(accountId, keyId)));
  expect(standings.map(clockless)).toEqual(each.map(({ keyStanding }) => clockless(keyStanding)));
  expect(standings.map(({ minuteRequests, openRequests }) => [minuteRequests, openRequests])).toContainEqual([3n, 3n]);
  expect(standings.filter(({ openRequests }) => openRequests === undefined)).toHaveLength(1);
  expect((await list(false)).standings).toEqual([]);
});

test("says nothing of what is not counted, and of whose key it is not", async () => {
  const payer = await createPayer(billing.client);
  const other = await createPayer(billing.client);
  const { keyStanding } = await standing(payer.accountId, payer.keyId);
  expect(keyStanding).toMatchObject({ minuteRequests: 0n, minuteTokens: 0n, requestsResetMs: 0n });
  expect(keyStanding?.daySpentNanoUsd).toBeUndefined();
  expect(await codeOf(standing(other.accountId, payer.keyId))).toBe("not_found");
});
