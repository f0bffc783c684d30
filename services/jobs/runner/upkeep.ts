import type { JobsContext } from "../context.ts";
import { forgetBatches, heldReservations } from "../db/batch-work.ts";
import { forgetJobs, oldJobs, openJobs } from "../db/jobs.ts";
import { forgetPaces } from "../db/pace.ts";
import { createBudgetWatch } from "../webhooks/budget-watch.ts";
import { forgetCallbacks, forgetEvents } from "../webhooks/db/events.ts";

/** The recurring work of jobs. */
export interface Upkeep {
  /** Ends it after the run in progress. */
  stop(): Promise<void>;
}

const atOnce = 1_000;
const callTimeoutMs = 10_000;
const forgetEveryMs = 10 * 60_000;
const sweepEveryMs = 60_000;

/** Keeps the reservations of jobs that have not ended alive, deletes jobs past their retention, and looks at budgets. Every replica does. */
export function startUpkeep(context: JobsContext): Upkeep {
  let running: Promise<void> = Promise.resolve();
  const budgets = createBudgetWatch(context);
  const timers = [
    { everyMs: context.config.extendEveryMs, run: () => extendAll(context, openJobs) },
    { everyMs: context.config.extendEveryMs, run: () => extendAll(context, heldReservations) },
    { everyMs: forgetEveryMs, run: () => forgetAll(context) },
    { everyMs: sweepEveryMs, run: () => sweepAll(context) },
    { everyMs: context.config.webhooks.budgetsEveryMs, run: () => budgets.look() },
  ].map(({ everyMs, run }) => {
    const start = (): void => {
      running = running.then(run).catch((error: unknown) => {
        context.log.warn({ err: error }, "the upkeep of jobs failed; it is tried again");
      });
    };
    start();
    return setInterval(start, everyMs).unref();
  });
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await running;
    },
  };
}

async function extendAll({ db, billing }: JobsContext, read: typeof openJobs): Promise<void> {
  for (let after = 0n; ; ) {
    const requestIds = await read(db, after, atOnce);
    const last = requestIds.at(-1);
    if (last === undefined) return;
    await billing.extend({ requestIds }, { requestId: 0n, traceparent: "", timeoutMs: callTimeoutMs });
    after = last;
  }
}

async function forgetAll({ db, config, objects }: JobsContext): Promise<void> {
  await forgetBatches(db, config.retentionMs, atOnce);
  if (config.retentionMs === 0) return;
  for (let rows = atOnce; rows === atOnce; ) {
    const old = await oldJobs(db, config.retentionMs, atOnce);
    // Objects first: a row that is left leads to them, an object without a row would stay for ever.
    for (const { account_id: accountId, upload, result_object: result } of old) {
      for (const id of [upload, result]) if (id !== 0n) await objects.remove({ id, accountId });
    }
    await forgetJobs(
      db,
      old.map(({ request_id }) => request_id),
    );
    rows = old.length;
  }
  await forgetPaces(db);
  while ((await forgetEvents(db, config.retentionMs, atOnce)) === atOnce);
  while ((await forgetCallbacks(db, config.retentionMs, atOnce)) === atOnce);
}

async function sweepAll({ objects }: JobsContext): Promise<void> {
  while (await objects.sweep());
}
