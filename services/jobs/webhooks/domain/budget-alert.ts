import type { EventContent } from "./job-event.ts";

/** Parts of a budget at which an alert is sent, in percent. */
export const budgetSteps: readonly number[] = [50, 80, 100];

/** How much of a budget was used in a period. */
export interface BudgetUse {
  readonly accountId: bigint;
  /** 0n: the budget is the account's. */
  readonly keyId: bigint;
  readonly period: "day" | "month";
  readonly periodStartUnixMs: number;
  readonly budgetNanoUsd: bigint;
  readonly spentNanoUsd: bigint;
}

/** An alert, and what it tells: it is sent once for a step of a budget in a period. */
export interface BudgetAlert extends EventContent {
  readonly source: string;
}

/** The alerts that a use has come to, those before it among them. @param usd writes an amount. */
export function budgetAlerts(use: BudgetUse, usd: (nanoUsd: bigint) => string): BudgetAlert[] {
  const { accountId, keyId, period, periodStartUnixMs, budgetNanoUsd, spentNanoUsd } = use;
  const reached = budgetSteps.filter((step) => spentNanoUsd * 100n >= budgetNanoUsd * BigInt(step));
  return reached.map((percent) => ({
    source: `budget ${accountId} ${keyId} ${period} ${periodStartUnixMs} ${percent}`,
    type: "alert.budget",
    data: {
      id: keyId === 0n ? `account_${accountId}` : `key_${keyId}`,
      account_id: accountId.toString(),
      key_id: keyId === 0n ? null : keyId.toString(),
      period,
      period_start: Math.floor(periodStartUnixMs / 1_000),
      percent,
      budget_usd: usd(budgetNanoUsd),
      spent_usd: usd(spentNanoUsd),
    },
  }));
}
