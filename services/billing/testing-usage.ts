import type { Queryable } from "../../shared/db/index.ts";
import type { BillingSchema } from "./db/schema.ts";
import { sumUsage } from "./db/usage.ts";
import type { UsageQuery, UsageSumRow } from "./db/usage-query.ts";

const everyName = { limit: 2 ** 31 - 1, mostSums: Number.POSITIVE_INFINITY, after: undefined };

/** Sums of all names on one page. */
export async function sumAll(db: Queryable<BillingSchema>, query: UsageQuery): Promise<readonly UsageSumRow[]> {
  return (await sumUsage(db, query, everyName)).rows;
}
