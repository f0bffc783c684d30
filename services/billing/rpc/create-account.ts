import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  CreateAccountRequest,
  CreateAccountResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { findAccountByName, insertAccount } from "../db/accounts.ts";
import { invalid } from "../wire/invalid.ts";
import { creationDigest, toAccount, toAccountFields } from "./account-message.ts";

/** Creates an account. Sent twice with the same content it answers the first, as it is by now. */
export function createAccount({ db }: BillingContext) {
  return async ({ account }: CreateAccountRequest): Promise<MessageInitShape<typeof CreateAccountResponseSchema>> => {
    if (account === undefined) throw invalid("account", "must be given");
    const fields = toAccountFields(account);
    const digest = creationDigest(fields);
    const row =
      (await insertAccount(db, { ...fields, created_with: digest })) ?? (await findAccountByName(db, fields.name));
    if (row === undefined || !row.created_with.equals(digest)) {
      throw invalid("account.name", "is taken by another account; choose another name");
    }
    return { account: toAccount(row) };
  };
}
