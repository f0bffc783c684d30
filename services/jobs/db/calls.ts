import { statement } from "../../../shared/db/index.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { type CallResult, noted, noteEnd } from "./advance.ts";
import { type JobRow, jobColumns } from "./job-row.ts";
import type { JobsDatabase } from "./open.ts";

/** An own call that is to be made. */
export interface NewCall {
  readonly requestId: bigint;
  readonly accountId: bigint;
  readonly keyId: bigint;
  readonly userId: string;
  readonly module: number;
  readonly item: Uint8Array;
  readonly body: Uint8Array;
  readonly view: Uint8Array;
  readonly input: Uint8Array;
  readonly keepsAnswer: boolean;
  readonly upload: bigint;
  readonly traceparent: string;
  readonly createdUnixMs: number;
  /** Milliseconds from now on. */
  readonly lifeMs: number;
}

const insert = statement(
  "calls_insert",
  `insert into jobs.job (request_id, account_id, key_id, user_id, module, kind, phase, state, item, body, view, input, keeps_answer,
     upload, traceparent, created_at, deadline_at, wake_at)
   values ($1, $2, $3, $4, $5, 2, 1, 1, $6, $7, $8, $9, $10, $11, $12, to_timestamp($13 / 1000.0),
     now() + $14 * interval '1 millisecond', now())
   on conflict (request_id) do nothing returning request_id`,
);

/** Makes an own call durable; a worker may take it from now on. False: there is a job with this request's ID. */
export async function insertCall(db: JobsDatabase, call: NewCall): Promise<boolean> {
  const rows = await db.query(insert, [
    ...[call.requestId, call.accountId, call.keyId, call.userId, call.module, call.item, call.body, call.view],
    ...[call.input.length === 0 ? null : call.input, call.keepsAnswer, call.upload, call.traceparent],
    ...[call.createdUnixMs, call.lifeMs],
  ]);
  return rows.length > 0;
}

const waiting = statement(
  "calls_waiting",
  `with recursive next as (
     (select account_id from jobs.job where kind = 2 and phase < 3 and account_id > $1 order by account_id limit 1)
     union all
     select (select j.account_id from jobs.job j
              where j.kind = 2 and j.phase < 3 and j.account_id > n.account_id order by j.account_id limit 1)
       from next n where n.account_id is not null)
   select account_id from next where account_id is not null limit $2`,
  { idempotent: true },
);

/** Accounts behind one that have calls which have not ended, in the order of their IDs; it costs a look at the index for each. */
export async function accountsWithCalls(db: JobsDatabase, after: bigint, limit: number): Promise<bigint[]> {
  const rows = await db.query<{ account_id: bigint }>(waiting, [after, limit]);
  return rows.map(({ account_id }) => account_id);
}

/** An account whose calls may be taken. */
export interface Turn {
  readonly accountId: bigint;
  /** Most calls of it that are taken. */
  readonly room: number;
}

const claim = statement(
  "calls_claim",
  `with due as materialized (
     select one.request_id, turn.place, row_number() over (partition by turn.account_id order by one.wake_at) as nth
       from unnest($3::bigint[], $4::int[]) with ordinality as turn (account_id, room, place)
       cross join lateral (
         select request_id, wake_at from jobs.job j
          where j.kind = 2 and j.phase < 3 and j.account_id = turn.account_id and j.wake_at <= now()
            and (j.lease_until is null or (j.lease_until < now() and j.misses > 0))
          order by j.wake_at limit turn.room for update skip locked) one)
   update jobs.job set phase = 2, state = 3, runs = runs + 1, misses = 0, lease_until = now() + $2 * interval '1 millisecond',
     events = ${noted("'processing'")}
    where request_id in (select request_id from due order by nth, place limit $1)
   returning ${jobColumns}`,
);

/** Takes own calls of these accounts, of each in turn; no other worker is given them for `leaseMs`. */
export function claimCalls(
  db: JobsDatabase,
  limit: number,
  turns: readonly Turn[],
  leaseMs: number,
): Promise<JobRow[]> {
  const values = [limit, leaseMs, turns.map(({ accountId }) => accountId), turns.map(({ room }) => room)];
  return db.query<JobRow>(claim, values);
}

const doubt = statement(
  "calls_doubt",
  `update jobs.job set misses = 1, lease_until = now() + $1 * interval '1 millisecond'
    where kind = 2 and phase = 2 and misses = 0 and lease_until < now()`,
);

/**
 * Notes of calls whose lease is over that nobody was found to hold them. A worker that lives has so long to extend its lease
 * before another is given the call: while PostgreSQL was away nobody could.
 */
export async function doubtCalls(db: JobsDatabase, doubtMs: number): Promise<void> {
  await db.query(doubt, [doubtMs]);
}

/** A call that a worker of this process makes. */
export interface HeldCall {
  readonly requestId: bigint;
  /** Which run of it this is. */
  readonly run: number;
}

const extend = statement(
  "calls_extend",
  `update jobs.job j set lease_until = now() + $3 * interval '1 millisecond', misses = 0
     from unnest($1::bigint[], $2::smallint[]) as held (request_id, runs)
    where j.request_id = held.request_id and j.runs = held.runs and j.phase = 2 returning j.request_id`,
  { idempotent: true },
);

/** Keeps calls for their workers; gives those that are still theirs. */
export async function extendCalls(
  db: JobsDatabase,
  held: readonly HeldCall[],
  leaseMs: number,
): Promise<ReadonlySet<bigint>> {
  const values = [held.map(({ requestId }) => requestId), held.map(({ run }) => run), leaseMs];
  const rows = await db.query<{ request_id: bigint }>(extend, values);
  return new Set(rows.map(({ request_id }) => request_id));
}

const cancelled = statement(
  "calls_cancelled",
  "select request_id from jobs.job where request_id = any($1::bigint[]) and cancel_requested",
  { idempotent: true },
);

/** Those of the calls whose end somebody wants. */
export async function cancelledCalls(db: JobsDatabase, requestIds: readonly bigint[]): Promise<bigint[]> {
  const rows = await db.query<{ request_id: bigint }>(cancelled, [requestIds]);
  return rows.map(({ request_id }) => request_id);
}

const release = statement(
  "calls_release",
  `update jobs.job set lease_until = null, wake_at = now() + $3 * interval '1 millisecond'
    where request_id = $1 and runs = $2 and phase = 2`,
);

/** Gives a call back: the next worker decides what becomes of it. */
export async function releaseCall(db: JobsDatabase, { requestId, run }: HeldCall, inMs: number): Promise<void> {
  await db.query(release, [requestId, run, inMs]);
}

const result = statement("calls_result", "select result from jobs.job where request_id = $1", { idempotent: true });

/** A result that its row has; undefined: it has none. */
export async function rowResult(db: JobsDatabase, requestId: bigint): Promise<Buffer | undefined> {
  const [row] = await db.query<{ result: Buffer | null }>(result, [requestId]);
  return row?.result ?? undefined;
}

const sameObject = statement("calls_same_object", "select from jobs.job where request_id = $1 and result_object = $2", {
  idempotent: true,
});

/** Whether a call has ended with this object: its end was noted, and the answer to that was lost. */
export async function isResultOf(db: JobsDatabase, requestId: bigint, { object }: CallResult): Promise<boolean> {
  return object !== undefined && (await db.query(sameObject, [requestId, object])).length > 0;
}

/** Ends a call that no worker has taken. False: one has. */
export function endWaiting(
  db: JobsDatabase,
  requestId: bigint,
  error: { code: string; message: string },
): Promise<boolean> {
  return noteEnd(db, { requestId, run: 0, state: JobState.FAILED, error, resultMs: 0, size: "", expiresUnixMs: 0 });
}
