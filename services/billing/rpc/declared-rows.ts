import { create } from "@bufbuild/protobuf";
import { AccountSchema, AccountState, KeySchema } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { creationDigest, toAccountFields } from "./account-message.ts";
import { toKeyFields } from "./key-message.ts";

/** Makes rows of what a file declares, with the checks that the contract has for the same over RPC: they throw invalid_value. */
export const declaredRows = {
  account: ({ name, group }: { readonly name: string; readonly group: string }) =>
    toAccountFields(create(AccountSchema, { name, group, state: AccountState.ACTIVE })),
  key: ({ name, scopes }: { readonly name: string; readonly scopes: readonly string[] }) =>
    toKeyFields(create(KeySchema, { name, scopes: [...scopes] })),
  digest: creationDigest,
};
