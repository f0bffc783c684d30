import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ListKeysRequest, ListKeysResponseSchema } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { listKeys as list } from "../db/keys.ts";
import { toKey } from "./key-message.ts";
import { checkedFilterId, pageLimit } from "./paging.ts";

/** Lists keys by ID, a page at a time; never secrets. */
export function listKeys({ db }: BillingContext) {
  return async (request: ListKeysRequest): Promise<MessageInitShape<typeof ListKeysResponseSchema>> => {
    const limit = pageLimit(request.limit);
    const accountId = checkedFilterId(request.accountId, "account_id");
    const rows = await list(db, accountId, checkedFilterId(request.afterKeyId, "after_key_id"), limit + 1);
    return { keys: rows.slice(0, limit).map(toKey), hasMore: rows.length > limit };
  };
}
