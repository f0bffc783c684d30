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
  const { config, log } = context;
  const budgets = createBudgetWatch(context);
  const works = [
    { everyMs: config.extendEveryMs, run: () => extendAll(context, openJobs) },
    { everyMs: config.extendEveryMs, run: () => extendAll(context, heldReservations) },
    { everyMs: forgetEveryMs, run: () => forgetAll(context) },
    { everyMs: sweepEveryMs, run: () => sweepAll(context) },
    { everyMs: config.webhooks.budgetsEveryMs, run: () => budgets.look() },
  ].map((work) => startWork(log, work));
  return {
    async stop() {
      await Promise.all(works.map((stop) => stop()));
    },
  };
}

/**
 * Does one work now and again after each pause, never twice at a time. Works do not wait for each other: a reservation
 * lapses after a minute, and a store that takes its time to delete objects takes longer. Gives what ends it.
 */
function startWork(
  log: Pick<JobsContext["log"], "warn">,
  { everyMs, run }: { readonly everyMs: number; readonly run: () => Promise<void> },
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const start = (): void => {
    running ??= run()
      .catch((error: unknown) => log.warn({ err: error }, "the upkeep of jobs failed; it is tried again"))
      .finally(() => {
        running = undefined;
      });
  };
  start();
  const timer = setInterval(start, everyMs).unref();
  return async () => {
    clearInterval(timer);
    await running;
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
