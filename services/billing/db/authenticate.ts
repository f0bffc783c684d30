import { byteaArray, type Database, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** A key with what Authenticate needs of its secret and account. */
export interface FoundKey {
  readonly hash: Buffer;
  readonly secret_ended: boolean;
  readonly generation: number;
  readonly revoked: boolean;
  readonly expired: boolean;
  readonly suspended: boolean;
  readonly operator: boolean;
  readonly account_id: bigint;
  readonly key_id: bigint;
  readonly kind: number;
  readonly prefix: string;
  readonly user_id: string;
  readonly scopes: string[];
  readonly allowed_models: string[];
  readonly allowed_cidrs: string[];
  readonly group_name: string;
  readonly disconnect_policy: number;
  readonly store_response: number;
  readonly store_request: boolean;
  readonly expires_at: Date | null;
}

const find = statement(
  "billing_authenticate",
  `select s.hash, s.valid_until <= clock_timestamp() is true as secret_ended, s.generation,
     k.revoked_at is not null as revoked, k.expires_at <= clock_timestamp() is true as expired,
     a.state = 2 as suspended, a.operator, k.account_id, k.key_id, k.kind, k.prefix, k.user_id, k.scopes, k.allowed_models,
     k.allowed_cidrs, coalesce(nullif(k.group_name, ''), a.group_name) as group_name, a.disconnect_policy, a.store_response, a.store_request,
     k.expires_at
   from billing.key_secret s
   join billing.key k on k.key_id = s.key_id
   join billing.account a on a.account_id = k.account_id
   where s.hash = any ($1::bytea[])`,
  { idempotent: true },
);

/** The keys of these stored hashes, those that are there, in no order. */
export function findKeys(db: Database<BillingSchema>, hashes: readonly Uint8Array[]): Promise<FoundKey[]> {
  return db.query<FoundKey>(find, [byteaArray(hashes)]);
}
