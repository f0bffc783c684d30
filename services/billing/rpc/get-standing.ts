import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  GetStandingRequest,
  GetStandingResponseSchema,
  StandingSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import type { AccountRow } from "../db/accounts.ts";
import type { KeyRow } from "../db/keys.ts";
import { findStanding, type StandingRows } from "../db/standing.ts";
import type { RateLevel } from "../limits/rate-limits.ts";
import { toAccount } from "./account-message.ts";
import { toKey } from "./key-message.ts";
import { noKey } from "./missing.ts";
import { checkedFilterId } from "./paging.ts";

/** GetStanding: what a key and its account have left. */
export function getStanding({ db, rateLimits }: BillingContext) {
  return async (request: GetStandingRequest): Promise<MessageInitShape<typeof GetStandingResponseSchema>> => {
    const accountId = checkedFilterId(request.accountId, "account_id");
    const keyId = checkedFilterId(request.keyId, "key_id");
    const found = await findStanding(db, accountId, keyId);
    if (found === undefined) throw noKey();
    const levels = await rateLimits.levels({ accountId, keyId });
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

type Standing = MessageInitShape<typeof StandingSchema>;
type Counted = Pick<
  KeyRow | AccountRow,
  "day" | "day_spent" | "month" | "month_spent" | "open_count" | "open_jobs" | "reserved"
>;

/** Sums of a day or a month that is over are those of nothing. */
function spentOf(row: Counted, { today, thisMonth }: StandingRows): Standing {
  return {
    daySpentNanoUsd: row.day === today ? row.day_spent : 0n,
    monthSpentNanoUsd: row.month === thisMonth ? row.month_spent : 0n,
    openRequests: row.open_count,
    openJobs: row.open_jobs,
    reservedNanoUsd: row.reserved,
  };
}

function minuteOf(levels: readonly RateLevel[]): Standing {
  const level = (unit: RateLevel["unit"]) => levels.find((one) => one.unit === unit);
  return {
    minuteRequests: BigInt(level("requests")?.used ?? 0),
    minuteTokens: BigInt(level("tokens")?.used ?? 0),
    requestsResetMs: BigInt(Math.ceil(level("requests")?.resetMs ?? 0)),
    tokensResetMs: BigInt(Math.ceil(level("tokens")?.resetMs ?? 0)),
  };
}
