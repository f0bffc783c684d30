import { expect, test } from "vitest";
import { testPostgres } from "../../shared/db/testing.ts";
import { BudgetPeriod } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createPayer, nextRequestId, reserve, settle, startReplica } from "./testing.ts";

const options = { timeoutMs: 15_000 };

test("budgets are told from the part on that is asked for: an account's and a key's, a day's and a month's", async () => {
  await using postgres = await testPostgres();
  await using billing = await startReplica(postgres.url);
  const { client } = billing;
  const payer = await createPayer(client, {
    account: { limits: { dailyBudgetNanoUsd: 200n } },
    key: { limits: { dailyBudgetNanoUsd: 1_000n, monthlyBudgetNanoUsd: 100n } },
  });
  const other = await createPayer(client, { key: { limits: { dailyBudgetNanoUsd: 10n } } });
  const charge = async (of: typeof payer, amount: bigint) => {
    const id = nextRequestId();
    await reserve(client, of, amount, id);
    await settle(client, of, amount, id);
  };
  const used = async (fromPercent: number) => {
    const { budgets } = await client.listBudgetUse({ accountIds: [payer.accountId], fromPercent }, options);
    return budgets
      .map(({ keyId, period, budgetNanoUsd, spentNanoUsd }) => [keyId, period, budgetNanoUsd, spentNanoUsd])
      .sort();
  };
  await charge(other, 10n);
  await charge(payer, 49n);
  expect(await used(50)).toEqual([]);
  await charge(payer, 1n);
  expect(await used(50)).toEqual([[payer.keyId, BudgetPeriod.MONTH, 100n, 50n]]);
  await charge(payer, 50n);
  expect(await used(50)).toEqual([
    [0n, BudgetPeriod.DAY, 200n, 100n],
    [payer.keyId, BudgetPeriod.MONTH, 100n, 100n],
  ]);
  expect(await used(100)).toEqual([[payer.keyId, BudgetPeriod.MONTH, 100n, 100n]]);

  const { budgets } = await client.listBudgetUse({ accountIds: [payer.accountId], fromPercent: 1 }, options);
  const now = new Date();
  const [day, month] = [
    Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()),
    Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1),
  ];
  for (const { period, periodStartUnixMs } of budgets) {
    expect(Number(periodStartUnixMs)).toBe(period === BudgetPeriod.MONTH ? month : day);
  }
  await client.revokeKey({ keyId: payer.keyId }, options);
  expect(await used(1)).toEqual([[0n, BudgetPeriod.DAY, 200n, 100n]]);
  await expect(client.listBudgetUse({ fromPercent: 0 }, options)).rejects.toMatchObject({ code: "invalid_value" });
});
