import { LRUCache } from "lru-cache";
import { statement } from "../../../shared/db/index.ts";
import type { Metrics } from "../../../shared/telemetry/index.ts";
import type { JobsConfig } from "../config.ts";
import { noted } from "../db/advance.ts";
import type { JobsDatabase } from "../db/open.ts";
import { callbackToken, requestOfToken } from "./domain/callback-token.ts";

/** Addresses at which vendors say that something happened to a job. They only wake it: the truth is asked of the vendor. */
export interface VendorCallbacks {
  /** Where the vendor of a job may call; empty: this deployment has no address for that. */
  urlFor(requestId: bigint): string;
  /** Has the job of a token looked at now. True: a worker has something to do. */
  wake(token: string): Promise<boolean>;
}

const wake = statement(
  "jobs_wake",
  `update jobs.job set wake_at = now(), events = ${noted("'callback'")}
    where request_id = $1 and phase = 2 and wake_at > now() returning request_id`,
);

const maxRemembered = 10_000;

/** Creates them. A job is woken no more often than it may be polled first: a vendor that calls without end gains nothing. */
export function createVendorCallbacks(
  db: JobsDatabase,
  config: JobsConfig,
  metrics: Pick<Metrics, "jobCallback">,
): VendorCallbacks {
  const { webhooks, firstPollMs } = config;
  const { credentialKeys, publicUrl } = webhooks;
  const lately = new LRUCache<bigint, true>({ max: maxRemembered, ttl: firstPollMs });
  return {
    urlFor(requestId) {
      const key = credentialKeys?.keys.get(credentialKeys.current);
      if (key === undefined || publicUrl === undefined) return "";
      return `${publicUrl}/callbacks/${callbackToken(key, requestId)}`;
    },
    async wake(token) {
      const requestId = requestOfToken(credentialKeys?.keys.values() ?? [], token);
      if (requestId === undefined) {
        metrics.jobCallback("forged");
        return false;
      }
      const isKnown = lately.has(requestId);
      if (!isKnown) lately.set(requestId, true);
      const isWoken = !isKnown && (await db.query(wake, [requestId])).length > 0;
      metrics.jobCallback(isWoken ? "woken" : "passed_over");
      return isWoken;
    },
  };
}
