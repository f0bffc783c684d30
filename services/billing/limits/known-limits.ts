import type { Database } from "../../../shared/db/index.ts";
import type { Log } from "../../../shared/log.ts";
import { type ChangedLimits, findRateLimits, listenToLimits, type RateLimitRow } from "../db/limits.ts";
import type { BillingSchema } from "../db/schema.ts";

/** The limits of keys, remembered until someone changes them. */
export interface KnownLimits {
  /** Limits by key ID; a key that does not exist is missing. No statement where all are remembered. */
  of(keyIds: readonly bigint[]): Promise<ReadonlyMap<bigint, RateLimitRow>>;
  /** These may have changed. */
  forget(of: ChangedLimits | "all"): void;
  close(): Promise<void>;
}

/** Limits are believed for so long while changes of them cannot be heard, in milliseconds. */
const deafLifeMs = 1_000;
const maxKnown = 100_000;

/** Creates the memory of limits, which hears of every replica's changes. */
export function createKnownLimits(db: Database<BillingSchema>, url: string, log: Log): KnownLimits {
  const known = new Map<bigint, { row: RateLimitRow; readMs: number }>();
  let changes = 0;

  function forget(of: ChangedLimits | "all"): void {
    changes += 1;
    if (of === "all") known.clear();
    else if ("keyId" in of) known.delete(of.keyId);
    else for (const [keyId, { row }] of known) if (row.account_id === of.accountId) known.delete(keyId);
  }

  const listener = listenToLimits(url, log, forget);

  return {
    async of(keyIds) {
      const nowMs = performance.now();
      const found = new Map<bigint, RateLimitRow>();
      const missing = new Set<bigint>();
      for (const keyId of keyIds) {
        const entry = known.get(keyId);
        if (entry !== undefined && (listener.listening || nowMs - entry.readMs < deafLifeMs))
          found.set(keyId, entry.row);
        else missing.add(keyId);
      }
      if (missing.size === 0) return found;
      const changesBefore = changes;
      if (known.size > maxKnown) known.clear();
      for (const row of await findRateLimits(db, [...missing])) {
        found.set(row.key_id, row);
        // A change that was heard meanwhile may be newer than what was read.
        if (changes === changesBefore) known.set(row.key_id, { row, readMs: nowMs });
      }
      return found;
    },
    forget,
    close: () => listener.close(),
  };
}
