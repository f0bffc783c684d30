import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  GetAccountRequest,
  GetAccountResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { findAccount, findAccountByName } from "../db/accounts.ts";
import { checkedText } from "../wire/values.ts";
import { toAccount } from "./account-message.ts";
import { noAccount } from "./missing.ts";

/** Reads one account, by ID or else by name. */
export function getAccount({ db }: BillingContext) {
  return async ({ accountId, name }: GetAccountRequest): Promise<MessageInitShape<typeof GetAccountResponseSchema>> => {
    const row =
      accountId === 0n ? await findAccountByName(db, checkedText(name, "name")) : await findAccount(db, accountId);
    if (row === undefined) throw noAccount();
    return { account: toAccount(row) };
  };
}
