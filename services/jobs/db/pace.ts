import { statement } from "../../../shared/db/index.ts";
import type { JobsDatabase } from "./open.ts";

/*
 * When the channels of vendors' jobs are asked, whichever process asks: each question has a moment of its own. A channel whose
 * vendor says that it is asked too often has fewer moments for a while.
 */

/** Longest pause and highest slowness: a vendor that wants more is asked in vain now and then. */
const maxPauseMs = 300_000;
const maxSlowness = 6;
/** A channel that is asked without trouble for so long is asked twice as often again. */
const easeAfterMs = 10_000;

const take = statement(
  "pace_take",
  `insert into jobs.channel_pace as p (channel, next_at) values ($1, now() + $2::float8 * $3::int * interval '1 millisecond')
   on conflict (channel) do update
     set next_at = greatest(p.next_at, p.paused_until, now())
       + $2::float8 * $3::int * interval '1 millisecond' * (1 << p.slowness)
   returning slowness, (extract(epoch from next_at - now()) * 1000)::float8 - $2 * $3 * (1 << slowness) as wait_ms`,
);

/** A moment for a question. */
export interface Moment {
  /** Milliseconds until then. */
  readonly waitMs: number;
  /** True: the channel is asked less often than it might be. */
  readonly isSlow: boolean;
}

/** Takes the next free moments of a channel. @param everyMs milliseconds between two questions. */
export async function takeMoments(
  db: JobsDatabase,
  channel: string,
  everyMs: number,
  count: number,
): Promise<readonly Moment[]> {
  const [row] = await db.query<{ slowness: number; wait_ms: number }>(take, [channel, everyMs, count]);
  const { slowness = 0, wait_ms: firstMs = 0 } = row ?? {};
  return Array.from({ length: count }, (_, n) => ({
    waitMs: Math.max(0, firstMs + n * everyMs * 2 ** slowness),
    isSlow: slowness > 0,
  }));
}

const slow = statement(
  "pace_slow",
  `insert into jobs.channel_pace as p (channel, paused_until, slowness) values ($1, now() + $2 * interval '1 millisecond', 1)
   on conflict (channel) do update
     set slowness = case when p.paused_until < now() then least(p.slowness + 1, $3) else p.slowness end,
       paused_until = greatest(p.paused_until, now() + $2 * interval '1 millisecond'), eased_at = now()`,
);

/** A vendor was asked too often, or could not answer: its channel is left alone for so long, and then asked half as often. */
export async function slowDown(db: JobsDatabase, channel: string, pauseMs: number): Promise<void> {
  await db.query(slow, [channel, Math.min(pauseMs, maxPauseMs), maxSlowness]);
}

const ease = statement(
  "pace_ease",
  `update jobs.channel_pace set slowness = slowness - 1, eased_at = now()
    where channel = $1 and slowness > 0 and paused_until < now() and eased_at < now() - $2 * interval '1 millisecond'`,
);

/** A slow channel has answered. */
export async function easePace(db: JobsDatabase, channel: string): Promise<void> {
  await db.query(ease, [channel, easeAfterMs]);
}

const later = statement(
  "pace_later",
  `update jobs.job set lease_until = null, paced_at = now() + $2 * interval '1 millisecond',
     wake_at = now() + $2 * interval '1 millisecond' where request_id = any($1::bigint[]) and phase = 2`,
);

/** Jobs are asked after when their moment has come. */
export async function noteMoment(db: JobsDatabase, requestIds: readonly bigint[], inMs: number): Promise<void> {
  await db.query(later, [requestIds, inMs]);
}

const forget = statement("pace_forget", "delete from jobs.channel_pace where next_at < now() - interval '1 day'");

/** Forgets channels that nobody has asked for a day. */
export async function forgetPaces(db: JobsDatabase): Promise<void> {
  await db.query(forget, []);
}
