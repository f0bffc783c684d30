import { bigintArray, createListener, type Database, type Listener, statement } from "../../../shared/db/index.ts";
import type { Log } from "../../../shared/log.ts";
import type { BillingSchema } from "./schema.ts";

/** Limits of requests and tokens a minute of a key and its account. 0n: none. */
export interface RateLimitRow {
  readonly key_id: bigint;
  readonly account_id: bigint;
  readonly key_requests: bigint;
  readonly key_tokens: bigint;
  readonly account_requests: bigint;
  readonly account_tokens: bigint;
}

const find = statement(
  "billing_rate_limits",
  `select k.key_id, k.account_id, k.requests_per_minute as key_requests, k.tokens_per_minute as key_tokens,
     a.requests_per_minute as account_requests, a.tokens_per_minute as account_tokens
   from billing.key k join billing.account a on a.account_id = k.account_id
   where k.key_id = any ($1::bigint[])`,
  { idempotent: true },
);

/** The limits of these keys. */
export function findRateLimits(db: Database<BillingSchema>, keyIds: readonly bigint[]): Promise<RateLimitRow[]> {
  return db.query<RateLimitRow>(find, [bigintArray(keyIds)]);
}

/** Whose limits changed. */
export type ChangedLimits = { readonly keyId: bigint } | { readonly accountId: bigint };

const form = /^(key|account) (\d+)$/;

/** Hears which limits change, on any replica. `onChange("all")`: some may have changed unheard. */
export function listenToLimits(url: string, log: Log, onChange: (of: ChangedLimits | "all") => void): Listener {
  return createListener({
    url,
    applicationName: "throughline billing limits",
    channels: {
      billing_limits(payload) {
        const [, kind, id = ""] = form.exec(payload) ?? [];
        if (kind === "key") onChange({ keyId: BigInt(id) });
        else if (kind === "account") onChange({ accountId: BigInt(id) });
        else onChange("all");
      },
    },
    onListening: () => onChange("all"),
    log,
  });
}
