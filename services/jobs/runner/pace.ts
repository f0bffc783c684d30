import { setTimeout as delay } from "node:timers/promises";
import type { JobsContext } from "../context.ts";
import type { JobRow } from "../db/job-row.ts";
import { easePace, noteMoment, slowDown, takeMoment } from "../db/pace.ts";
import type { Asked } from "./ask.ts";
import { itemOf } from "./ask.ts";

/** A moment that is so near is waited for; for a later one the jobs are given back. Less than what a lease leaves. */
const maxWaitMs = 1_000;
/** What a vendor that says no time is left alone for. */
const usualPauseMs = 1_000;

type PaceContext = Pick<JobsContext, "db" | "config">;

/** The leave to ask a channel after jobs. */
export interface Leave {
  readonly channel: string;
  readonly isSlow: boolean;
}

/** The channel that has a job. */
export function channelOf(row: JobRow): string {
  return itemOf(row).candidates[row.candidate ?? 0]?.channel ?? "";
}

/**
 * Waits for the moment at which the channel of these jobs may be asked. Undefined: it is not near, and the jobs have been given
 * back until then.
 */
export async function awaitMoment({ db, config }: PaceContext, rows: readonly JobRow[]): Promise<Leave | undefined> {
  const [lead] = rows;
  if (lead === undefined) return undefined;
  const channel = channelOf(lead);
  const given = Math.min(...rows.map(({ paced_at: at }) => at?.getTime() ?? Number.POSITIVE_INFINITY));
  const isGiven = Number.isFinite(given);
  const { waitMs, isSlow } = isGiven
    ? { waitMs: Math.max(0, given - Date.now()), isSlow: true }
    : await takeMoment(db, channel, 1_000 / config.channelPollsPerSecond);
  if (waitMs > maxWaitMs) {
    const ids = rows.map(({ request_id: id }) => id);
    await noteMoment(db, ids, waitMs);
    return undefined;
  }
  if (waitMs > 0) await delay(waitMs);
  return { channel, isSlow };
}

/** Keeps the pace of a channel by what came of asking it. */
export async function keepPace({ db }: PaceContext, { channel, isSlow }: Leave, asked: Asked<unknown>): Promise<void> {
  const status = asked.outcome?.attempts.at(-1)?.httpStatus ?? 0;
  const isBusy = status === 429 || status >= 500;
  if (isBusy) await slowDown(db, channel, Math.max(usualPauseMs, asked.error?.retryAfterMs ?? 0));
  else if (isSlow && asked.report !== undefined) await easePace(db, channel);
}
