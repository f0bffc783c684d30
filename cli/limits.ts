import type { Command } from "commander";
import { count, usd } from "./parse.ts";

/** What --rpm and the like give. */
export interface LimitOptions {
  readonly rpm?: number;
  readonly tpm?: number;
  readonly concurrent?: number;
  readonly concurrentJobs?: number;
  readonly dailyBudget?: string;
  readonly monthlyBudget?: string;
}

/** Adds the options for limits. */
export function takesLimits(command: Command): Command {
  return command
    .option("--rpm <count>", "requests a minute; 0: no limit", count)
    .option("--tpm <count>", "tokens a minute; 0: no limit", count)
    .option("--concurrent <count>", "requests at the same time; 0: no limit", count)
    .option(
      "--concurrent-jobs <count>",
      "jobs (videos, calls that are answered later) at the same time; 0: no limit",
      count,
    )
    .option("--daily-budget <usd>", "dollars a day (UTC); 0: no limit", usd)
    .option("--monthly-budget <usd>", "dollars a calendar month (UTC); 0: no limit", usd);
}

/** Limits as the router gives them; null: none. */
export type Limits = Readonly<Record<string, string | number | null>>;

/**
 * The limits as the router takes them; nothing where none was given. The router replaces them as a whole: an update
 * names those that stay (`before`), or a new rate would remove the budget.
 */
export function limitsOf(given: LimitOptions, before: Limits = {}) {
  const limits = {
    ...(given.rpm === undefined ? {} : { requests_per_minute: given.rpm }),
    ...(given.tpm === undefined ? {} : { tokens_per_minute: given.tpm }),
    ...(given.concurrent === undefined ? {} : { concurrent_requests: given.concurrent }),
    ...(given.concurrentJobs === undefined ? {} : { concurrent_jobs: given.concurrentJobs }),
    ...(given.dailyBudget === undefined ? {} : { daily_budget_usd: given.dailyBudget }),
    ...(given.monthlyBudget === undefined ? {} : { monthly_budget_usd: given.monthlyBudget }),
  };
  if (Object.keys(limits).length === 0) return {};
  const stay: typeof limits = Object.fromEntries(Object.entries(before).filter(([, value]) => value !== null));
  return { limits: { ...stay, ...limits } };
}

/** Whether any limit was given. */
export function hasLimits(given: LimitOptions): boolean {
  return "limits" in limitsOf(given);
}

/** Limits in words. */
export function limitsText(limits: Limits): string {
  const given = Object.entries(limits).filter(([, value]) => value !== null);
  return given.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`).join(", ") || "none";
}

/** What is left of the limits that there are, in words. @param standing as the router gives it. */
export function leftText(standing: Limits): string {
  const parts = Object.entries(standing).flatMap(([name, value]) =>
    /_left/.test(name) && value !== null ? [`${name.replaceAll("_", " ").replace(" left", "")} ${value}`] : [],
  );
  return parts.join(", ") || "-";
}
