import type { MessageInitShape } from "@bufbuild/protobuf";
import { sqlStateOf } from "../../../shared/db/index.ts";
import type {
  AddCreditRequest,
  AddCreditResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { enterCredit } from "../db/credit.ts";
import { isAmount } from "../domain/amounts.ts";
import { ledgerKinds } from "../domain/settlement.ts";
import { invalid } from "../wire/invalid.ts";
import { toCreditEntry } from "../wire/ledger-entry.ts";
import { checkedId, checkedText } from "../wire/values.ts";
import { noAccount } from "./missing.ts";

const numericValueOutOfRange = "22003";

/** Enters a top-up or an adjustment, a reference once. */
export function addCredit({ db }: BillingContext) {
  return async (request: AddCreditRequest): Promise<MessageInitShape<typeof AddCreditResponseSchema>> => {
    const { amountNanoUsd: amount, adjustment } = request;
    if (amount === 0n || !isAmount(amount)) throw invalid("amount_nano_usd", "must not be 0, nor beyond 10^18");
    if (amount < 0n && !adjustment)
      throw invalid("amount_nano_usd", "must be positive for a top-up; use an adjustment");
    const credit = {
      accountId: checkedId(request.accountId, "account_id"),
      kind: adjustment ? ledgerKinds.adjustment : ledgerKinds.topup,
      amount,
      actor: checkedText(request.actor, "actor"),
      reason: checkedText(request.reason, "reason"),
      reference: checkedText(request.reference, "reference"),
    };
    const row = await enterCredit(db, credit).catch((error: unknown) => {
      if (sqlStateOf(error) !== numericValueOutOfRange) throw error;
      throw invalid("amount_nano_usd", "would take the balance beyond 4 x 10^18 nano-USD");
    });
    if (row === undefined) throw noAccount();
    if (row.amount !== credit.amount || row.kind !== credit.kind) {
      throw invalid("reference", "was entered before with another amount or kind; use a new reference");
    }
    return { entry: toCreditEntry(row), balanceNanoUsd: row.balance_after };
  };
}
