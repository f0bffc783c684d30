import type {
  GetStandingResponse,
  Limits,
  Principal,
  Standing,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { accountOut, keyOut, limitsOut, present } from "./payer.ts";

/** What a key is, may do and has left: for its owner, whatever its kind. */
export function selfOut(found: GetStandingResponse, { group, operator }: Pick<Principal, "group" | "operator">) {
  const key = present(found.key);
  const account = present(found.account);
  const shown = accountOut(account);
  return {
    key: { ...keyOut(key), standing: standingOut(key.limits, present(found.keyStanding)) },
    /** Group that decides channels and prices: the key's own, or its account's. */
    group,
    /** True: its account is an operator's, so that an administration key reaches the whole platform. */
    operator,
    account: {
      account_id: shown.account_id,
      name: shown.name,
      state: shown.state,
      balance_usd: shown.balance_usd,
      /** What requests that run may use of the balance. */
      reserved_usd: shown.reserved_usd,
      credit_floor_usd: shown.credit_floor_usd,
      available_usd: shown.available_usd,
      limits: limitsOut(account.limits),
      standing: standingOut(account.limits, present(found.accountStanding)),
    },
  };
}

/** What was used, and what is left of the limits; null: there is no such limit, or it is not counted without one. */
export function standingOut(limits: Limits | undefined, used: Standing) {
  const spent = (nanos: bigint | undefined) => (nanos === undefined ? null : formatUsd(nanos));
  const left = (limit: bigint | number | undefined, ...taken: readonly (bigint | undefined)[]) => {
    const most = BigInt(limit ?? 0);
    if (most === 0n || taken.includes(undefined)) return undefined;
    const rest = taken.reduce<bigint>((sum, part) => sum - (part ?? 0n), most);
    return rest > 0n ? rest : 0n;
  };
  const number = (value: bigint | undefined) => (value === undefined ? null : Number(value));
  return {
    spent_today_usd: spent(used.daySpentNanoUsd),
    spent_this_month_usd: spent(used.monthSpentNanoUsd),
    /** What requests and jobs that run hold: it counts against the budgets until they end. */
    reserved_usd: spent(used.reservedNanoUsd),
    open_requests: number(used.openRequests),
    open_jobs: number(used.openJobs),
    daily_budget_left_usd: spent(left(limits?.dailyBudgetNanoUsd, used.daySpentNanoUsd, used.reservedNanoUsd)),
    monthly_budget_left_usd: spent(left(limits?.monthlyBudgetNanoUsd, used.monthSpentNanoUsd, used.reservedNanoUsd)),
    concurrent_requests_left: number(left(limits?.concurrentRequests, used.openRequests)),
    concurrent_jobs_left: number(left(limits?.concurrentJobs, used.openJobs)),
    requests_left_this_minute: number(left(limits?.requestsPerMinute, used.minuteRequests)),
    tokens_left_this_minute: number(left(limits?.tokensPerMinute, used.minuteTokens)),
    /** Milliseconds until the minute begins anew; 0: it has not begun. */
    requests_reset_ms: Number(used.requestsResetMs),
    tokens_reset_ms: Number(used.tokensResetMs),
  };
}
