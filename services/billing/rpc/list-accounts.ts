import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ListAccountsRequest,
  ListAccountsResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { listAccounts as list } from "../db/accounts.ts";
import { toAccount } from "./account-message.ts";
import { checkedFilterId, pageLimit } from "./paging.ts";

/** Lists accounts by ID, a page at a time. */
export function listAccounts({ db }: BillingContext) {
  return async (request: ListAccountsRequest): Promise<MessageInitShape<typeof ListAccountsResponseSchema>> => {
    const limit = pageLimit(request.limit);
    const rows = await list(db, checkedFilterId(request.afterAccountId, "after_account_id"), limit + 1);
    return { accounts: rows.slice(0, limit).map(toAccount), hasMore: rows.length > limit };
  };
}
