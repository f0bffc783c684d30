import type { LabelledValue } from "../../../shared/telemetry/index.ts";
import type { BillingContext } from "../context.ts";
import { type BudgetLeft, type CreditLeft, readBudgets, readCredit } from "../db/remaining.ts";
import { every, type Job } from "./every.ts";

/** All accounts, and all keys with a budget, are looked through each time. */
const pauseMs = 60_000;

const periods = ["day", "month"] as const;

/** Value of the label for those that are not told apart. */
const other = "other";

/**
 * Shows how many accounts and budgets run low and, where metrics may name accounts, what is left of those that matter most.
 * The same on every replica.
 */
export function startRemaining({ reports, log, metrics }: Pick<BillingContext, "reports" | "log" | "metrics">): Job {
  const most = metrics.accounts;
  let credits: readonly CreditLeft[] = [];
  let budgets: readonly BudgetLeft[] = [];
  const credit = (value: "credit" | "charged"): readonly LabelledValue[] =>
    credits.map((row) => ({ value: row[value], labels: labelsOf(row) }));
  const observers = [
    metrics.observe("accounts_low", () => sum(credits.map(({ low }) => low)), "billing"),
    ...periods.map((period) =>
      metrics.observe("budgets_low", () => sum(budgets.filter((row) => row.period === period).map(({ low }) => low)), {
        owner: "billing",
        period,
      }),
    ),
    ...(most === 0
      ? []
      : [
          metrics.observeEach("account_credit_nano_usd", () => credit("credit")),
          metrics.observeEach("account_charged_nano_usd", () => credit("charged")),
          metrics.observeEach("budget_left_nano_usd", () =>
            budgets.map(({ budget_left: value, key_id: keyId, period, ...row }) => ({
              value,
              labels: { ...labelsOf(row), key: row.account_id === 0n ? other : idOf(keyId), period },
            })),
          ),
        ]),
  ];
  const job = every("remaining", pauseMs, log, async () => {
    const accounts = await readCredit(reports, most);
    // Both at once, so that a scrape sees one moment.
    budgets = await readBudgets(reports, most);
    credits = accounts;
    return false;
  });
  return {
    async stop() {
      for (const stop of observers) stop();
      await job.stop();
    },
  };
}

function labelsOf({ account_id: id, name }: { readonly account_id: bigint; readonly name: string }) {
  return id === 0n ? { account: other, name: other } : { account: id.toString(), name };
}

/** Empty: there is none. */
function idOf(id: bigint): string {
  return id === 0n ? "" : id.toString();
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
