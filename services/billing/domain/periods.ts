/** A span of time after which a budget renews. */
export type BudgetPeriod = "day" | "month";

/** When the current period ends and the budget renews: the next midnight, or the first of the next month, UTC. Unix milliseconds. */
export function renewsAtMs(period: BudgetPeriod, nowMs: number): number {
  const now = new Date(nowMs);
  return period === "day"
    ? Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
    : Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
}
