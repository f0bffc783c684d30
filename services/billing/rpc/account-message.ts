import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Account,
  type AccountSchema,
  AccountState,
  type Limits,
  type LimitsSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { AccountFields, AccountRow } from "../db/accounts.ts";
import { maxNanoUsd, maxUsagePart } from "../domain/amounts.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedText } from "../wire/values.ts";

type LimitFields = Pick<
  AccountFields,
  | "requests_per_minute"
  | "tokens_per_minute"
  | "concurrent_requests"
  | "concurrent_jobs"
  | "daily_budget"
  | "monthly_budget"
>;

/** The columns of limits; none given means none. */
export function toLimitFields(limits: Limits | undefined, param: string): LimitFields {
  const budget = (amount: bigint, name: string): bigint => {
    if (amount < 0n || amount > maxNanoUsd) throw invalid(`${param}.${name}`, "must be 0 to 10^18 nano-USD");
    return amount;
  };
  const tokens = limits?.tokensPerMinute ?? 0n;
  if (tokens > maxUsagePart) throw invalid(`${param}.tokens_per_minute`, "must be at most 10^15");
  return {
    requests_per_minute: BigInt(limits?.requestsPerMinute ?? 0),
    tokens_per_minute: tokens,
    concurrent_requests: BigInt(limits?.concurrentRequests ?? 0),
    concurrent_jobs: BigInt(limits?.concurrentJobs ?? 0),
    daily_budget: budget(limits?.dailyBudgetNanoUsd ?? 0n, "daily_budget_nano_usd"),
    monthly_budget: budget(limits?.monthlyBudgetNanoUsd ?? 0n, "monthly_budget_nano_usd"),
  };
}

/** The limits of a row. */
export function toLimits(row: LimitFields): MessageInitShape<typeof LimitsSchema> {
  return {
    requestsPerMinute: Number(row.requests_per_minute),
    tokensPerMinute: row.tokens_per_minute,
    concurrentRequests: Number(row.concurrent_requests),
    concurrentJobs: Number(row.concurrent_jobs),
    dailyBudgetNanoUsd: row.daily_budget,
    monthlyBudgetNanoUsd: row.monthly_budget,
  };
}

/** A name for people: not empty, bounded. */
export function checkedName(name: string, param: string): string {
  const text = checkedText(name, param, 200);
  if (text.trim() === "") throw invalid(param, "must not be empty");
  return text;
}

/** State of an account; not said means active. */
export function checkedState(state: AccountState): number {
  if (state === AccountState.UNSPECIFIED) return AccountState.ACTIVE;
  if (state !== AccountState.ACTIVE && state !== AccountState.SUSPENDED) {
    throw invalid("account.state", "must be active or suspended");
  }
  return state;
}

/** Policy for a disconnect; not said means charge_delivered. */
export function checkedPolicy(policy: DisconnectPolicy): number {
  if (policy === DisconnectPolicy.UNSPECIFIED) return DisconnectPolicy.CHARGE_DELIVERED;
  if (policy < 1 || policy > 3) throw invalid("account.disconnect_policy", "must be one of the policies");
  return policy;
}

/** How much of an answer history keeps; not said means all. */
export function checkedStore(store: StoreResponse): number {
  if (store === StoreResponse.UNSPECIFIED) return StoreResponse.FULL;
  if (store < 1 || store > 3) throw invalid("account.store_response", "must be full, truncated or none");
  return store;
}

/** The credit floor: 0, or how far the balance may fall below it. */
export function checkedFloor(nanoUsd: bigint): bigint {
  if (nanoUsd > 0n || nanoUsd < -maxNanoUsd) {
    throw invalid("account.credit_floor_nano_usd", "must be 0 or negative, at least -10^18");
  }
  return nanoUsd;
}

/** The group of keys that name none of their own. */
export const defaultGroup = "default";

/** The columns of a new account. */
export function toAccountFields(account: Account): AccountFields {
  return {
    name: checkedName(account.name, "account.name"),
    group_name: account.group === "" ? defaultGroup : checkedName(account.group, "account.group"),
    state: checkedState(account.state),
    credit_floor: checkedFloor(account.creditFloorNanoUsd),
    disconnect_policy: checkedPolicy(account.disconnectPolicy),
    store_response: checkedStore(account.storeResponse),
    operator: account.operator,
    store_request: account.storeRequest,
    ...toLimitFields(account.limits, "account.limits"),
  };
}

/** The account of a row. */
export function toAccount(row: AccountRow): MessageInitShape<typeof AccountSchema> {
  return {
    accountId: row.account_id,
    name: row.name,
    group: row.group_name,
    state: row.state as AccountState,
    balanceNanoUsd: row.balance,
    reservedNanoUsd: row.reserved,
    creditFloorNanoUsd: row.credit_floor,
    disconnectPolicy: row.disconnect_policy as DisconnectPolicy,
    storeResponse: row.store_response as StoreResponse,
    limits: toLimits(row),
    operator: row.operator,
    storeRequest: row.store_request,
    createdUnixMs: BigInt(row.created_at.getTime()),
  };
}

/**
 * Fields that creations did not have at first, with what held before them. Such a value is left out of the digest, or no
 * creation of then could be sent again: the first account is, at every start.
 */
const addedLater: Readonly<Record<string, unknown>> = {
  operator: false,
  concurrent_jobs: 0n,
  store_request: false,
};

/** Digest of what was asked for: the same creation sent twice has the same one, whichever version took the first. */
export function creationDigest(fields: object): Buffer {
  const asked = Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !(name in addedLater) || addedLater[name] !== value),
  );
  const text = JSON.stringify(asked, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  return createHash("sha256").update(text).digest();
}
