import { setTimeout as delay } from "node:timers/promises";
import type { JobsContext } from "../context.ts";
import { type JobRow, msUntil } from "../db/job-row.ts";
import { easePace, noteMoment, slowDown, takeMoments } from "../db/pace.ts";
import type { Asked } from "./ask.ts";
import { itemOf } from "./ask.ts";

/** A moment that is so near is waited for; for a later one the jobs are given back. Less than what a lease leaves. */
const maxWaitMs = 1_000;
/** Milliseconds for which a vendor is left alone that names no time. */
const usualPauseMs = 1_000;

type PaceContext = Pick<JobsContext, "db" | "config">;

/** The leave to ask a channel after jobs. */
export interface Leave {
  readonly channel: string;
  /** True: the channel is asked less often than it might be. */
  readonly isSlow: boolean;
  /** When it may be asked, on the monotonic clock. */
  readonly atMs: number;
}

/** The channel that has a job. */
function channelOf(row: JobRow): string {
  return itemOf(row).candidates[row.candidate ?? 0]?.channel ?? "";
}

/**
 * Gives each of these questions a moment at which its channel may be asked: those that have one keep it, and the others of a
 * channel take theirs by one statement.
 */
export async function giveLeaves(
  { db, config }: PaceContext,
  questions: readonly (readonly JobRow[])[],
): Promise<ReadonlyMap<readonly JobRow[], Leave>> {
  const leaves = new Map<readonly JobRow[], Leave>();
  const byChannel = new Map<string, (readonly JobRow[])[]>();
  for (const rows of questions) {
    const [lead] = rows;
    if (lead === undefined) continue;
    const channel = channelOf(lead);
    const waitMs = Math.min(
      ...rows.map((row) => (row.paced_at === null ? Number.POSITIVE_INFINITY : msUntil(row.paced_at, row))),
    );
    if (Number.isFinite(waitMs)) leaves.set(rows, { channel, isSlow: true, atMs: performance.now() + waitMs });
    else byChannel.set(channel, [...(byChannel.get(channel) ?? []), rows]);
  }
  for (const [channel, asked] of byChannel) {
    const moments = await takeMoments(db, channel, 1_000 / config.channelPollsPerSecond, asked.length);
    const nowMs = performance.now();
    for (const [n, rows] of asked.entries()) {
      const { waitMs = 0, isSlow = false } = moments[n] ?? {};
      leaves.set(rows, { channel, isSlow, atMs: nowMs + waitMs });
    }
  }
  return leaves;
}

/** Waits for the moment. False: it is not near, and the jobs have been given back until then. */
export async function awaitMoment({ db }: PaceContext, rows: readonly JobRow[], { atMs }: Leave): Promise<boolean> {
  const waitMs = atMs - performance.now();
  if (waitMs > maxWaitMs) {
    const ids = rows.map(({ request_id: id }) => id);
    await noteMoment(db, ids, waitMs);
    return false;
  }
  if (waitMs > 0) await delay(waitMs);
  return true;
}

/** Keeps the pace of a channel by what came of asking it. */
export async function keepPace({ db }: PaceContext, { channel, isSlow }: Leave, asked: Asked<unknown>): Promise<void> {
  const status = asked.outcome?.attempts.at(-1)?.httpStatus ?? 0;
  const isBusy = status === 429 || status >= 500;
  if (isBusy) await slowDown(db, channel, Math.max(usualPauseMs, asked.error?.retryAfterMs ?? 0));
  else if (isSlow && asked.report !== undefined) await easePace(db, channel);
}
