import {
  BudgetPeriod,
  type BudgetUse as BudgetUseMessage,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { formatUsd } from "../../../shared/money/usd.ts";
import type { JobsContext } from "../context.ts";
import { announce } from "./announce.ts";
import { readListeners } from "./db/endpoints.ts";
import { type BudgetUse, budgetAlerts, budgetSteps } from "./domain/budget-alert.ts";
import { patternsOf } from "./domain/event-types.ts";

const pageSize = 500;
const callTimeoutMs = 10_000;

/** Looks at budgets. */
export interface BudgetWatch {
  /** Sends the alerts that are due. Each is sent once, whoever looks and however often. */
  look(): Promise<void>;
}

/**
 * Creates one. Settlements keep the counters of budgets in any case, so the hot path knows nothing of this; billing is asked of
 * the accounts alone that want to hear of budgets.
 */
export function createBudgetWatch(context: Pick<JobsContext, "db" | "courier" | "billing">): BudgetWatch {
  /** Sources that were seen at the last look: they are not written anew at each. */
  let seen: ReadonlySet<string> = new Set();
  return {
    async look() {
      const now = new Set<string>();
      for (let after = 0n; ; ) {
        const accountIds = await readListeners(context.db, patternsOf("alert.budget"), after, pageSize);
        const last = accountIds.at(-1);
        if (last === undefined) break;
        const asked = { accountIds, fromPercent: budgetSteps[0] ?? 1 };
        const options = { requestId: 0n, traceparent: "", timeoutMs: callTimeoutMs };
        const { budgets } = await context.billing.listBudgetUse(asked, options);
        for (const use of budgets) {
          for (const alert of budgetAlerts(toUse(use), formatUsd)) {
            now.add(alert.source);
            if (seen.has(alert.source)) continue;
            const about = { accountId: use.accountId, requestId: 0n, traceparent: "", toCallback: false };
            await announce(context, { ...about, ...alert });
          }
        }
        after = last;
      }
      seen = now;
    },
  };
}

function toUse(use: BudgetUseMessage): BudgetUse {
  const { accountId, keyId, budgetNanoUsd, spentNanoUsd } = use;
  return {
    ...{ accountId, keyId, budgetNanoUsd, spentNanoUsd },
    period: use.period === BudgetPeriod.MONTH ? "month" : "day",
    periodStartUnixMs: Number(use.periodStartUnixMs),
  };
}
