import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ListKeysRequest, ListKeysResponseSchema } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { type KeyRow, listKeys as list } from "../db/keys.ts";
import { findPeriods } from "../db/standing.ts";
import { toKey } from "./key-message.ts";
import { checkedFilterId, pageLimit } from "./paging.ts";
import { minuteOf, type Standing, spentOf } from "./standing-message.ts";

/** Lists keys by ID, a page at a time; never secrets. */
export function listKeys({ db, rateLimits }: BillingContext) {
  return async (request: ListKeysRequest): Promise<MessageInitShape<typeof ListKeysResponseSchema>> => {
    const limit = pageLimit(request.limit);
    const accountId = checkedFilterId(request.accountId, "account_id");
    const rows = await list(db, accountId, checkedFilterId(request.afterKeyId, "after_key_id"), limit + 1);
    const page = rows.slice(0, limit);
    const standings = request.withStanding ? await standingsOf(page) : [];
    return { keys: page.map(toKey), hasMore: rows.length > limit, standings };
  };

  /** What each key has used, by one look at the counters of all. */
  async function standingsOf(keys: readonly KeyRow[]): Promise<Standing[]> {
    const payers = keys.map(({ key_id: keyId, account_id: accountId }) => ({ keyId, accountId }));
    const [periods, levels] = await Promise.all([findPeriods(db), rateLimits.levels(payers)]);
    return keys.map((key, i) => ({
      ...(key.tracked ? spentOf(key, periods) : {}),
      ...minuteOf((levels[i] ?? []).filter(({ of }) => of === "key")),
    }));
  }
}
