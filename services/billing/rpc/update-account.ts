import type { MessageInitShape } from "@bufbuild/protobuf";
import { sqlStateOf, sqlStates } from "../../../shared/db/index.ts";
import type {
  UpdateAccountRequest,
  UpdateAccountResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { type AccountFields, updateAccount as update } from "../db/accounts.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedId } from "../wire/values.ts";
import {
  checkedFloor,
  checkedName,
  checkedPolicy,
  checkedState,
  checkedStore,
  toAccount,
  toLimitFields,
} from "./account-message.ts";
import { noAccount } from "./missing.ts";

/** Changes what is given of an account; in force from the next Reserve of any replica on. */
export function updateAccount({ db, rateLimits }: BillingContext) {
  return async (request: UpdateAccountRequest): Promise<MessageInitShape<typeof UpdateAccountResponseSchema>> => {
    const accountId = checkedId(request.accountId, "account_id");
    const fields = toFields(request);
    try {
      const row = await update(db, accountId, fields);
      if (row === undefined) throw noAccount();
      return { account: toAccount(row) };
    } catch (error) {
      if (sqlStateOf(error) !== sqlStates.uniqueViolation) throw error;
      throw invalid("name", "is taken by another account; choose another name");
    } finally {
      rateLimits.forget({ accountId });
    }
  };
}

function toFields(request: UpdateAccountRequest): Partial<AccountFields> {
  const { name, group, state, creditFloorNanoUsd, disconnectPolicy, storeResponse, storeRequest, limits, operator } =
    request;
  return {
    ...(operator === undefined ? {} : { operator }),
    ...(storeRequest === undefined ? {} : { store_request: storeRequest }),
    ...(name === undefined ? {} : { name: checkedName(name, "name") }),
    ...(group === undefined ? {} : { group_name: checkedName(group, "group") }),
    ...(state === undefined ? {} : { state: checkedState(state) }),
    ...(creditFloorNanoUsd === undefined ? {} : { credit_floor: checkedFloor(creditFloorNanoUsd) }),
    ...(disconnectPolicy === undefined ? {} : { disconnect_policy: checkedPolicy(disconnectPolicy) }),
    ...(storeResponse === undefined ? {} : { store_response: checkedStore(storeResponse) }),
    ...(limits === undefined ? {} : toLimitFields(limits, "limits")),
  };
}
