import { type Database, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** Credit of an account, or of all that are not told apart (account 0). Nano-USD as numbers: for gauges, not for money. */
export interface CreditLeft {
  readonly account_id: bigint;
  readonly name: string;
  /** What is left, holds of running requests taken off. */
  readonly credit: number;
  /** What was charged this month. */
  readonly charged: number;
  /** How many of them have less than another day like the last one takes. */
  readonly low: number;
}

/** What is left of a budget, or of all that are not told apart (account 0). */
export interface BudgetLeft {
  readonly account_id: bigint;
  /** 0: the budget is the account's. */
  readonly key_id: bigint;
  readonly name: string;
  readonly period: "day" | "month";
  readonly budget_left: number;
  /** How many of them are used by nine tenths. */
  readonly low: number;
}

/** One row for each of the first $1, and one for all others; what is low comes first. */
const told = (names: string) => `case when place <= $1 then ${names} end`;

// An account's day is the dearer of the last one on which it was charged, today or yesterday, and this month's mean. One that
// was not charged since the day before yesterday misses nothing.
const credits = statement(
  "billing_credit_left",
  `with account as (
     select account_id, name, (balance - credit_floor - reserved)::float8 as credit,
       case when day < billing.day_of(clock_timestamp()) - 1 then 0
         else greatest(day_spent, case when month = billing.month_of(clock_timestamp())
           then month_spent / extract(day from clock_timestamp() at time zone 'UTC') else 0 end) end::float8 as a_day,
       case when month = billing.month_of(clock_timestamp()) then month_spent else 0 end::float8 as charged
     from billing.account where state = 1
   ), ranked as (
     select *, row_number() over (order by (credit < a_day) desc, charged desc, account_id) as place from account
   )
   select coalesce(${told("account_id")}, 0) as account_id, coalesce(${told("name")}, '') as name,
     sum(credit) as credit, sum(charged) as charged, count(*) filter (where credit < a_day)::int as low
   from ranked group by 1, 2`,
  { idempotent: true },
);

const budgets = statement(
  "billing_budget_left",
  `with owner as (
     select account_id, 0::bigint as key_id, name, daily_budget, day, day_spent, monthly_budget, month, month_spent
       from billing.account where state = 1 and (daily_budget > 0 or monthly_budget > 0)
     union all
     select account_id, key_id, name, daily_budget, day, day_spent, monthly_budget, month, month_spent
       from billing.key where revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
         and (daily_budget > 0 or monthly_budget > 0)
   ), budget as (
     select account_id, key_id, name, 'day' as period, daily_budget::float8 as budget,
       case when day = billing.day_of(clock_timestamp()) then day_spent else 0 end::float8 as spent
       from owner where daily_budget > 0
     union all
     select account_id, key_id, name, 'month', monthly_budget::float8,
       case when month = billing.month_of(clock_timestamp()) then month_spent else 0 end::float8
       from owner where monthly_budget > 0
   ), ranked as (
     select *, row_number() over (order by spent / budget desc, account_id, key_id, period) as place from budget
   )
   select coalesce(${told("account_id")}, 0) as account_id, coalesce(${told("key_id")}, 0) as key_id,
     coalesce(${told("name")}, '') as name, period, sum(budget - spent) as budget_left,
     count(*) filter (where spent >= 0.9 * budget)::int as low
   from ranked group by 1, 2, 3, 4`,
  { idempotent: true },
);

/** Credit of the accounts that may be used: of `most` of them by name, those that run low first, then the busiest. */
export function readCredit(db: Database<BillingSchema>, most: number): Promise<CreditLeft[]> {
  return db.query<CreditLeft>(credits, [most]);
}

/** Budgets of accounts and keys that may be used: of `most` of them by name, those that are used up most first. */
export function readBudgets(db: Database<BillingSchema>, most: number): Promise<BudgetLeft[]> {
  return db.query<BudgetLeft>(budgets, [most]);
}
