import { type Queryable, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** How much of a budget was used in the last period in which anything was charged. */
export interface BudgetUseRow {
  readonly account_id: bigint;
  /** 0: the budget is the account's. */
  readonly key_id: bigint;
  /** True: a month's; false: a day's. */
  readonly monthly: boolean;
  /** Number of the period: days since 1970, or months since the year 0. */
  readonly period: number;
  readonly budget: bigint;
  readonly spent: bigint;
}

const counters = "c.daily_budget, c.day, c.day_spent, c.monthly_budget, c.month, c.month_spent";

const read = statement(
  "read_budget_use",
  `with counter as (
     select a.account_id, 0::bigint as key_id, ${counters.replaceAll("c.", "a.")} from billing.account a
      where a.account_id = any($1::bigint[])
     union all
     select k.account_id, k.key_id, ${counters.replaceAll("c.", "k.")} from billing.key k
      where k.account_id = any($1::bigint[]) and k.revoked_at is null and (k.daily_budget > 0 or k.monthly_budget > 0)
   )
   select account_id, key_id, false as monthly, day as period, daily_budget as budget, day_spent as spent from counter
    where daily_budget > 0 and day_spent::numeric * 100 >= daily_budget::numeric * $2
   union all
   select account_id, key_id, true, month, monthly_budget, month_spent from counter
    where monthly_budget > 0 and month_spent::numeric * 100 >= monthly_budget::numeric * $2`,
  { idempotent: true },
);

/** Budgets of accounts and their keys of which at least so much was used. */
export function readBudgetUse(
  db: Queryable<BillingSchema>,
  accountIds: readonly bigint[],
  fromPercent: number,
): Promise<BudgetUseRow[]> {
  return db.query<BudgetUseRow>(read, [accountIds, fromPercent]);
}
