import type { Log } from "../../../shared/log.ts";
import { contextHeaders, type Metrics, type Tracing } from "../../../shared/telemetry/index.ts";
import { type DeliveryOutcome, jobsSpans } from "../../../shared/telemetry/spans/jobs.ts";
import type { JobsDatabase } from "../db/open.ts";
import { startPool } from "../runner/pool.ts";
import { type ClaimedDelivery, claimDeliveries, deliveryStates, nextDueMs, noteTried } from "./db/deliveries.ts";
import { nextTryMs } from "./domain/retry-schedule.ts";
import { signedHeaders } from "./domain/signature.ts";
import type { Secrets } from "./secrets.ts";
import type { Sender, Sent } from "./send.ts";

/** What a courier works with. */
export interface CourierDeps {
  readonly db: JobsDatabase;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly secrets: Secrets;
  readonly sender: Sender;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Most tries of this process at the same moment. */
  readonly atOnce: number;
  /** Most tries at the same moment to one receiver, whichever process makes them. */
  readonly perReceiver: number;
  /** How long a worker has a delivery to itself: more than a try takes. */
  readonly leaseMs: number;
  /** Waits between tries. */
  readonly waitsMs: readonly number[];
}

/** Delivers events. */
export interface Courier {
  /** Something may be due at once. */
  wake(): void;
  /** Takes no more, and waits for the tries under way. */
  stop(): Promise<void>;
}

/** Longest time between two looks: another process may have made an event, or have died. */
const maxPauseMs = 3_000;
/** A delivery that is due and cannot be taken waits for a try under way to end, perhaps another process's. */
const fullPauseMs = 250;

/** Starts one. Several processes may: each try is leased to one of them, so a delivery is tried at least as often as it says. */
export function startCourier(deps: CourierDeps): Courier {
  const { db, log, atOnce } = deps;
  const pool = startPool(log, {
    atOnce,
    async take(room) {
      const rows = await claimDeliveries(db, room, deps.perReceiver, deps.leaseMs);
      const pauseMs =
        rows.length > 0
          ? 0
          : Math.min(maxPauseMs, Math.max(fullPauseMs, Math.ceil((await nextDueMs(db)) ?? maxPauseMs)));
      return { steps: rows.map((row) => () => deliver(deps, row).finally(() => pool.wake())), pauseMs };
    },
  });
  return pool;
}

const stateAfter = {
  delivered: deliveryStates.delivered,
  dead: deliveryStates.dead,
  failed: deliveryStates.pending,
} as const satisfies Readonly<Record<DeliveryOutcome, number>>;

/** Tries a delivery and notes what came of it. Where that cannot be noted another worker tries it when the lease is over. */
async function deliver(deps: CourierDeps, row: ClaimedDelivery): Promise<void> {
  const { db, log, metrics, tracing, random, waitsMs } = deps;
  const requestId = row.request_id ?? 0n;
  const spans = jobsSpans(tracing);
  const span = spans.deliver(
    { requestId, traceparent: row.traceparent },
    { type: row.type, attempt: row.step + 1, url: row.url },
  );
  const startedUnixMs = Date.now();
  const began = performance.now();
  try {
    const sent = await attempt(deps, row, span.traceparent);
    const waitMs = sent.error === "" ? undefined : nextTryMs(row.step + 1, waitsMs, random());
    const outcome = sent.error === "" ? "delivered" : waitMs === undefined ? "dead" : "failed";
    spans.delivered(span, outcome, sent.status, sent.error);
    metrics.webhookDelivery(outcome);
    if (outcome === "dead") {
      const about = {
        delivery_id: row.delivery_id.toString(),
        request_id: requestId.toString(),
        trace_id: span.traceId,
        type: row.type,
      };
      log.warn({ ...about, why: sent.error }, "a webhook was given up");
    }
    await noteTried(db, {
      deliveryId: row.delivery_id,
      state: stateAfter[outcome],
      nextInMs: waitMs ?? 0,
      atUnixMs: startedUnixMs,
      ms: Math.round(performance.now() - began),
      ...sent,
    });
  } catch (error) {
    log.warn({ err: error, delivery_id: row.delivery_id.toString() }, "a try of a webhook could not be noted");
    span.end();
  }
}

async function attempt({ secrets, sender }: CourierDeps, row: ClaimedDelivery, traceparent: string): Promise<Sent> {
  let headers: Record<string, string>;
  try {
    const sealed = row.previous_secret === null ? [row.secret] : [row.secret, row.previous_secret];
    const opened = sealed.map((one) => secrets.open(row.account_id, one));
    headers = signedHeaders({ id: row.event_id, unixSeconds: Math.floor(Date.now() / 1_000), body: row.body }, opened);
  } catch {
    return { status: 0, error: "Its secret cannot be opened with this deployment's CREDENTIAL_KEY: rotate it." };
  }
  const { request_id: requestId } = row;
  const known = requestId === null ? {} : { "x-request-id": requestId.toString() };
  return sender.send(row.url, { ...headers, ...known, ...contextHeaders(traceparent) }, row.body);
}
