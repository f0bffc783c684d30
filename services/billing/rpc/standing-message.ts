import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StandingSchema } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { AccountRow } from "../db/accounts.ts";
import type { KeyRow } from "../db/keys.ts";
import type { Periods } from "../db/standing.ts";
import type { RateLevel } from "../limits/rate-limits.ts";

/** What was used of limits. */
export type Standing = MessageInitShape<typeof StandingSchema>;
type Counted = Pick<
  KeyRow | AccountRow,
  "day" | "day_spent" | "month" | "month_spent" | "open_count" | "open_jobs" | "reserved"
>;

/** What was spent and what runs. Sums of a day or a month that is over are those of nothing. */
export function spentOf(row: Counted, { today, thisMonth }: Periods): Standing {
  return {
    daySpentNanoUsd: row.day === today ? row.day_spent : 0n,
    monthSpentNanoUsd: row.month === thisMonth ? row.month_spent : 0n,
    openRequests: row.open_count,
    openJobs: row.open_jobs,
    reservedNanoUsd: row.reserved,
  };
}

/** What was taken of the minute that runs. */
export function minuteOf(levels: readonly RateLevel[]): Standing {
  const level = (unit: RateLevel["unit"]) => levels.find((one) => one.unit === unit);
  return {
    minuteRequests: BigInt(level("requests")?.used ?? 0),
    minuteTokens: BigInt(level("tokens")?.used ?? 0),
    requestsResetMs: BigInt(Math.ceil(level("requests")?.resetMs ?? 0)),
    tokensResetMs: BigInt(Math.ceil(level("tokens")?.resetMs ?? 0)),
  };
}
