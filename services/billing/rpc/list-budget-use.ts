import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  BudgetPeriod,
  type ListBudgetUseRequest,
  type ListBudgetUseResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { readBudgetUse } from "../db/budget-use.ts";
import { invalid } from "../wire/invalid.ts";

const maxAccounts = 1_000;

/** Tells which budgets of some accounts have been used to a part. It reads the counters that settlements keep in any case. */
export function listBudgetUse({ db }: BillingContext) {
  return async (request: ListBudgetUseRequest): Promise<MessageInitShape<typeof ListBudgetUseResponseSchema>> => {
    const { accountIds, fromPercent } = request;
    if (accountIds.length > maxAccounts) throw invalid("account_ids", `must be at most ${maxAccounts}`);
    if (fromPercent < 1) throw invalid("from_percent", "must be at least 1");
    const rows = await readBudgetUse(db, accountIds, fromPercent);
    return {
      budgets: rows.map((row) => ({
        accountId: row.account_id,
        keyId: row.key_id,
        period: row.monthly ? BudgetPeriod.MONTH : BudgetPeriod.DAY,
        periodStartUnixMs: BigInt(startOf(row)),
        budgetNanoUsd: row.budget,
        spentNanoUsd: row.spent,
      })),
    };
  };
}

function startOf({ monthly, period }: { readonly monthly: boolean; readonly period: number }): number {
  return monthly ? Date.UTC(Math.floor(period / 12), period % 12, 1) : period * 86_400_000;
}
