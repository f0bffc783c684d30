import { randomUUID } from "node:crypto";
import type { BillingContext, BillingDeps } from "../context.ts";
import { advanceTo, claimSpan, endedIn, entriesOf, type Span } from "../db/reconcile.ts";
import { every, type Job } from "./every.ts";
import { reconstructedRecord } from "./reconstructed-record.ts";

/** Most requests that history is asked about at once: its limit. */
const pageSize = 10_000;
/** Records sent to history at a time. */
const recordsAtOnce = 500;
const minSpanMs = 1;
const maxSpanMs = 30 * 86_400_000;
const callTimeoutMs = 30_000;
/** A replica that died with a claim stops the others for this long; two that work on one span do no harm. */
const holdMs = 10_000;

/**
 * Sees to it that every request that ended has a terminal record: for entries of a certain age it asks history which of
 * them it does not know the end of, and makes those records from the ledger. One replica at a time does so; where it
 * stopped, the next goes on.
 */
export function startReconciler(context: BillingContext, history: BillingDeps["history"]): Job {
  const { config, db, log } = context;
  const holder = randomUUID();
  // The time that a page of the ledger covers. It is found by trying, for the ledger may be idle for weeks or full every second.
  let spanMs = 60_000;

  async function reconcile(): Promise<boolean> {
    const span = await claimSpan(db, { holder, holdMs, spanMs, lagMs: config.reconcileLagMs });
    if (span === undefined) return false;
    const requestIds = await endedIn(db, span, pageSize + 1);
    if (requestIds.length > pageSize && spanMs > minSpanMs) {
      spanMs = Math.max(minSpanMs, spanMs / 4);
      return true;
    }
    if (requestIds.length < pageSize / 4) spanMs = Math.min(maxSpanMs, spanMs * 2);
    await completeRecords(requestIds.slice(0, pageSize), span);
    await advanceTo(db, holder, span.to);
    return requestIds.length > 0;
  }

  async function completeRecords(requestIds: readonly bigint[], { to }: Span): Promise<void> {
    if (requestIds.length === 0) return;
    const unfinished = await history.findUnfinished({ requestIds: [...requestIds] }, { timeoutMs: callTimeoutMs });
    for (let i = 0; i < unfinished.requestIds.length; i += recordsAtOnce) {
      const missing = unfinished.requestIds.slice(i, i + recordsAtOnce);
      const entries = Map.groupBy(await entriesOf(db, missing), (entry) => entry.entry_id);
      await Promise.all([...entries].map(([requestId, rows]) => sendRecord(requestId, rows)));
    }
    if (unfinished.requestIds.length > 0) {
      log.warn({ requests: unfinished.requestIds.length, before: to }, "records made from the ledger");
    }
  }

  async function sendRecord(requestId: bigint, rows: Parameters<typeof reconstructedRecord>[0]): Promise<void> {
    const record = reconstructedRecord(rows);
    if (record === undefined) return;
    await history.record.call({ record }, { requestId, timeoutMs: callTimeoutMs });
    log.info({ request_id: requestId }, "record made from the ledger");
  }

  return every("reconciler", config.reconcileIntervalMs, log, reconcile);
}
