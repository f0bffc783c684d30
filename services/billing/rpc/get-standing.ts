import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  GetStandingRequest,
  GetStandingResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { findStanding } from "../db/standing.ts";
import type { RateLevel } from "../limits/rate-limits.ts";
import { toAccount } from "./account-message.ts";
import { toKey } from "./key-message.ts";
import { noKey } from "./missing.ts";
import { checkedFilterId } from "./paging.ts";
import { minuteOf, spentOf } from "./standing-message.ts";

/** GetStanding: what a key and its account have left. */
export function getStanding({ db, rateLimits }: BillingContext) {
  return async (request: GetStandingRequest): Promise<MessageInitShape<typeof GetStandingResponseSchema>> => {
    const accountId = checkedFilterId(request.accountId, "account_id");
    const keyId = checkedFilterId(request.keyId, "key_id");
    const found = await findStanding(db, accountId, keyId);
    if (found === undefined) throw noKey();
    const [levels = []] = await rateLimits.levels([{ accountId, keyId }]);
    const of = (payer: RateLevel["of"]) => levels.filter((level) => level.of === payer);
    const { key, account } = found;
    return {
      key: toKey(key),
      account: toAccount(account),
      keyStanding: { ...(key.tracked ? spentOf(key, found) : {}), ...minuteOf(of("key")) },
      accountStanding: { ...spentOf(account, found), ...minuteOf(of("account")) },
    };
  };
}
