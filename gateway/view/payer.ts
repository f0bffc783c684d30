import {
  type Account,
  AccountState,
  type Key,
  KeyKind,
  type Limits,
  type RotateKeyResponse,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { StoreResponse } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { policyName } from "./history-item.ts";

/** Kinds of keys by name. */
export const keyKinds = {
  api: KeyKind.API,
  server: KeyKind.SERVER,
  user: KeyKind.USER,
  cli: KeyKind.CLI,
} as const;

/** What is kept of answers, by name. */
export const storeResponses = {
  full: StoreResponse.FULL,
  truncated: StoreResponse.TRUNCATED,
  none: StoreResponse.NONE,
} as const;

/** A key that a newer version has made of a kind that this one does not know is shown as what can do least. */
const kindName: Readonly<Record<KeyKind, keyof typeof keyKinds>> = {
  [KeyKind.UNSPECIFIED]: "api",
  [KeyKind.API]: "api",
  [KeyKind.SERVER]: "server",
  [KeyKind.USER]: "user",
  [KeyKind.CLI]: "cli",
};

const storeName: Readonly<Record<StoreResponse, keyof typeof storeResponses>> = {
  [StoreResponse.UNSPECIFIED]: "full",
  [StoreResponse.FULL]: "full",
  [StoreResponse.TRUNCATED]: "truncated",
  [StoreResponse.NONE]: "none",
};

/** An account. */
export function accountOut(account: Account) {
  const available = account.balanceNanoUsd - account.creditFloorNanoUsd - account.reservedNanoUsd;
  return {
    account_id: account.accountId.toString(),
    name: account.name,
    group: account.group,
    state: account.state === AccountState.SUSPENDED ? ("suspended" as const) : ("active" as const),
    balance_usd: formatUsd(account.balanceNanoUsd),
    reserved_usd: formatUsd(account.reservedNanoUsd),
    credit_floor_usd: formatUsd(account.creditFloorNanoUsd),
    /** What a request may still cost: the balance down to the floor, without what others hold. */
    available_usd: formatUsd(available > 0n ? available : 0n),
    disconnect_policy: policyName[account.disconnectPolicy] ?? "charge_delivered",
    store_response: storeName[account.storeResponse] ?? "full",
    /** True: history keeps what its requests say. */
    store_request: account.storeRequest,
    limits: limitsOut(account.limits),
    /** True: its administration keys reach the whole platform. */
    operator: account.operator,
    created_time: iso(account.createdUnixMs),
  };
}

/** A key; it holds no secret. */
export function keyOut(key: Key) {
  return {
    key_id: key.keyId.toString(),
    account_id: key.accountId.toString(),
    name: key.name,
    kind: kindName[key.kind] ?? "api",
    prefix: key.prefix,
    user_id: key.userId || null,
    scopes: key.scopes,
    allowed_models: key.allowedModels,
    allowed_cidrs: key.allowedCidrs,
    group: key.group || null,
    limits: limitsOut(key.limits),
    expires_time: key.expiresUnixMs === 0n ? null : iso(key.expiresUnixMs),
    revoked_time: key.revokedUnixMs === 0n ? null : iso(key.revokedUnixMs),
    created_time: iso(key.createdUnixMs),
  };
}

/** A key with its new secret, shown this once. */
export function rotatedOut({ key, secret, oldSecretsEndUnixMs: end }: RotateKeyResponse) {
  return {
    ...keyOut(present(key)),
    secret,
    /** When the secrets before it have all ceased to work. */
    old_secrets_end_time: end === 0n ? null : iso(end),
  };
}

/** Limits; null: none. */
export function limitsOut(limits: Limits | undefined) {
  const orNone = (value: bigint | number | undefined) => Number(value ?? 0) || null;
  const budget = (value: bigint | undefined) => (value === undefined || value === 0n ? null : formatUsd(value));
  return {
    requests_per_minute: orNone(limits?.requestsPerMinute),
    tokens_per_minute: orNone(limits?.tokensPerMinute),
    concurrent_requests: orNone(limits?.concurrentRequests),
    concurrent_jobs: orNone(limits?.concurrentJobs),
    daily_budget_usd: budget(limits?.dailyBudgetNanoUsd),
    monthly_budget_usd: budget(limits?.monthlyBudgetNanoUsd),
  };
}

/** Unix milliseconds as ISO 8601. */
export function iso(unixMs: bigint): string {
  return new Date(Number(unixMs)).toISOString();
}

/** A field of an answer that its service always fills. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("a service left out what it always gives");
  return value;
}
