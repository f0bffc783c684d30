import fc from "fast-check";
import { expect, test } from "vitest";
import { budgetAlerts, budgetSteps } from "./budget-alert.ts";

const use = { accountId: 7n, keyId: 0n, period: "day", periodStartUnixMs: 86_400_000 } as const;

test("an alert stands for each step that was reached, and its source for the step, the budget and the period", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 18n), fc.bigInt(0n, 10n ** 18n), (budgetNanoUsd, spentNanoUsd) => {
      const alerts = budgetAlerts({ ...use, budgetNanoUsd, spentNanoUsd }, String);
      const part = Number((spentNanoUsd * 1_000_000n) / budgetNanoUsd) / 10_000;
      expect(alerts.map(({ data }) => data.percent)).toEqual(budgetSteps.filter((step) => part >= step));
      expect(new Set(alerts.map(({ source }) => source)).size).toBe(alerts.length);
    }),
  );
});

test("of another key or another period it is another", () => {
  const spent = { ...use, budgetNanoUsd: 10n, spentNanoUsd: 5n };
  const others = [
    spent,
    { ...spent, keyId: 3n },
    { ...spent, period: "month" as const },
    { ...spent, periodStartUnixMs: 0 },
  ];
  expect(new Set(others.flatMap((one) => budgetAlerts(one, String).map(({ source }) => source))).size).toBe(4);
  expect(budgetAlerts({ ...spent, keyId: 3n }, String)[0]?.data).toMatchObject({
    id: "key_3",
    key_id: "3",
    percent: 50,
  });
});
