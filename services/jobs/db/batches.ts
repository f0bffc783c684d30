import { integerArray, statement, textArray } from "../../../shared/db/index.ts";
import type { LineCounts } from "../domain/line-counts.ts";
import type { Owner } from "./jobs.ts";
import type { JobsDatabase } from "./open.ts";

/** A batch as its row holds it. */
export interface BatchRow {
  readonly batch_id: bigint;
  readonly account_id: bigint;
  readonly key_id: bigint;
  readonly user_id: string;
  readonly api: number;
  readonly endpoint: string;
  readonly module: number;
  readonly store_response: number;
  /** One of `batchStates`. */
  readonly state: number;
  readonly cancel_requested: boolean;
  readonly input_file_id: bigint;
  readonly output_file_id: bigint;
  readonly error_file_id: bigint;
  readonly view: Buffer;
  readonly facts: Buffer;
  readonly traceparent: string;
  readonly models: readonly string[];
  /** A reservation is open for it, be it of nothing: its lines may be free. */
  readonly is_held: boolean;
  readonly reserved: bigint;
  readonly results_life_ms: bigint;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly expired: number;
  /** Lines that succeeded, failed, were cancelled and expired, as its vendor says it; null: none has said it. */
  readonly told: readonly number[] | null;
  readonly input_tokens: bigint;
  readonly cached_input_tokens: bigint;
  readonly cache_write_tokens: bigint;
  readonly output_tokens: bigint;
  readonly reasoning_tokens: bigint;
  /** Amounts of other units as digits, by their names; null: none. */
  readonly more: Readonly<Record<string, string>> | null;
  /** Lines whose cost is in `billed`, of how many the list price is in `list_price`, and both in nano-USD. */
  readonly costed: number;
  readonly listed: number;
  readonly billed: bigint;
  readonly list_price: bigint;
  readonly created_at: Date;
  readonly deadline_at: Date | null;
  readonly started_at: Date | null;
  readonly cancelling_at: Date | null;
  readonly finalizing_at: Date | null;
  readonly ended_at: Date | null;
}

/** States of a batch: the numbers of throughline.jobs.v1.BatchState. */
export const batchStates = { loading: 1, running: 2, finalizing: 3, ended: 4 } as const;

const columns = `batch_id, account_id, key_id, user_id, api, endpoint, module, store_response, state, cancel_requested,
  input_file_id, output_file_id, error_file_id, view, facts, traceparent, models, is_held, reserved, results_life_ms, total, succeeded,
  failed, cancelled, expired, told, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
  more, costed, listed, billed, list_price, created_at, deadline_at, started_at, cancelling_at, finalizing_at, ended_at`;

/** A batch that is still taken in is nobody's yet. */
const narrowed =
  "($2::bigint = 0 or key_id = $2) and ($3 = '' or user_id = $3) and ($4::smallint = 0 or api = $4) and state > 1";
const owned = `account_id = $1 and ${narrowed}`;
/** Of account 0 they are everybody's: another text, for a plan that serves both takes no index. */
const anybodys = `$1::bigint = 0 and ${narrowed}`;

const insert = statement(
  "jobs_batch_insert",
  `insert into jobs.batch (batch_id, account_id, key_id, user_id, api, endpoint, module, store_response, input_file_id,
     output_file_id, error_file_id, view, facts, traceparent, created_at, idempotency, digest)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, to_timestamp($15 / 1000.0), $16, $17)
   on conflict (batch_id) do nothing`,
  { idempotent: true },
);

/** A batch whose lines are about to come. */
export type NewBatch = Pick<
  BatchRow,
  | "batch_id"
  | "account_id"
  | "key_id"
  | "user_id"
  | "api"
  | "endpoint"
  | "module"
  | "store_response"
  | "input_file_id"
  | "output_file_id"
  | "error_file_id"
  | "traceparent"
> & { readonly view: Uint8Array; readonly facts: Uint8Array; readonly createdUnixMs: number } & {
  readonly key: BatchKey | undefined;
};

/** What a repeat of a request is known by. */
export interface BatchKey {
  readonly idempotency: Uint8Array;
  readonly digest: Uint8Array;
}

/** Begins a batch. */
export async function insertBatch(db: JobsDatabase, batch: NewBatch): Promise<void> {
  await db.query(insert, [
    ...[batch.batch_id, batch.account_id, batch.key_id, batch.user_id, batch.api, batch.endpoint, batch.module],
    ...[batch.store_response, batch.input_file_id, batch.output_file_id, batch.error_file_id, batch.view, batch.facts],
    ...[batch.traceparent, batch.createdUnixMs, batch.key?.idempotency ?? null, batch.key?.digest ?? null],
  ]);
}

const repeated = statement(
  "jobs_batch_repeated",
  "select batch_id, digest from jobs.batch where account_id = $1 and idempotency = $2 and state > 1",
  { idempotent: true },
);

/** The batch that an earlier request with this key made. */
export async function batchOfKey(
  db: JobsDatabase,
  accountId: bigint,
  { idempotency }: BatchKey,
): Promise<{ batch_id: bigint; digest: Buffer } | undefined> {
  const [row] = await db.query<{ batch_id: bigint; digest: Buffer }>(repeated, [accountId, idempotency]);
  return row;
}

const start = statement(
  "jobs_batch_start",
  `update jobs.batch set state = 2, total = $3, reserved = $4, deadline_at = now() + $5 * interval '1 millisecond',
     results_life_ms = $6, models = $7::text[], is_held = $8, started_at = now(),
     by_vendor = exists (select from jobs.vendor_batch v where v.batch_id = $1)
   where batch_id = $1 and account_id = $2 and state = 1
     and (select count(*) from jobs.batch_line where batch_id = $1) = $3
   returning ${columns}`,
);

/** Has a batch run. Undefined: it runs already, or its lines are not all there. */
export async function startBatch(
  db: JobsDatabase,
  batch: {
    readonly id: bigint;
    readonly accountId: bigint;
    readonly total: number;
    readonly isHeld: boolean;
    readonly reserved: bigint;
    readonly lifeMs: bigint;
    readonly resultsLifeMs: bigint;
    readonly models: readonly string[];
  },
): Promise<BatchRow | undefined> {
  const { id, accountId, total, isHeld, reserved, lifeMs, resultsLifeMs, models } = batch;
  const values = [id, accountId, total, reserved, lifeMs, resultsLifeMs, textArray(models), isHeld];
  const [row] = await db.query<BatchRow>(start, values);
  return row;
}

const read = statement(
  "jobs_batch_read",
  `select ${columns} from jobs.batch where batch_id = $5 and ($1::bigint = 0 or account_id = $1) and ${narrowed}`,
  { idempotent: true },
);

/** One batch of an owner; account 0: whosever. @param api 0: any. */
export async function readBatch(
  db: JobsDatabase,
  owner: Owner,
  api: number,
  id: bigint,
): Promise<BatchRow | undefined> {
  const [row] = await db.query<BatchRow>(read, [owner.accountId, owner.keyId, owner.userId, api, id]);
  return row;
}

/** What the lines of a batch need of it. */
export type BatchSaid = Pick<BatchRow, "api" | "account_id" | "facts" | "module" | "store_response" | "endpoint">;

const facts = statement(
  "jobs_batch_facts",
  "select api, account_id, facts, module, store_response, endpoint from jobs.batch where batch_id = $1",
  { idempotent: true },
);

/** What does not change of a batch. */
export async function batchFacts(db: JobsDatabase, id: bigint): Promise<BatchSaid | undefined> {
  const [row] = await db.query<BatchSaid>(facts, [id]);
  return row;
}

const page = (direction: "asc" | "desc", whose: "own" | "all") =>
  statement(
    `jobs_batch_page_${whose}_${direction}`,
    `select ${columns} from jobs.batch where ${whose === "own" ? owned : anybodys} and batch_id ${direction === "asc" ? ">" : "<"} $5
     order by ${whose === "own" ? `account_id ${direction},` : ""} batch_id ${direction} limit $6`,
    { idempotent: true },
  );
const pages = {
  own: { ascending: page("asc", "own"), descending: page("desc", "own") },
  all: { ascending: page("asc", "all"), descending: page("desc", "all") },
};
const last = 9_223_372_036_854_775_807n;

/** Batches of an owner, of account 0 everybody's, behind `after` in the order of the list; 0: from its start. */
export function readBatches(
  db: JobsDatabase,
  owner: Owner,
  { api, after, limit, oldestFirst }: { api: number; after: bigint; limit: number; oldestFirst: boolean },
): Promise<BatchRow[]> {
  const from = after === 0n && !oldestFirst ? last : after;
  const values = [owner.accountId, owner.keyId, owner.userId, api, from, limit];
  const { ascending, descending } = pages[owner.accountId === 0n ? "all" : "own"];
  return db.query<BatchRow>(oldestFirst ? ascending : descending, values);
}

const tell = statement(
  "jobs_batch_tell",
  "update jobs.batch set told = $2::integer[] where batch_id = $1 and state = 2 and told is distinct from $2::integer[]",
  { idempotent: true },
);

/** Notes how many lines have come to what, as its vendor says it. */
export async function noteToldCounts(db: JobsDatabase, id: bigint, counts: LineCounts): Promise<void> {
  const { succeeded, failed, cancelled, expired } = counts;
  await db.query(tell, [id, integerArray([succeeded, failed, cancelled, expired])]);
}

const cancel = statement(
  "jobs_batch_cancel",
  `update jobs.batch set cancel_requested = true, cancelling_at = coalesce(cancelling_at, now())
   where batch_id = $5 and ${owned} and state = 2`,
  { idempotent: true },
);

/** Notes that somebody wants its end. */
export async function cancelBatch(db: JobsDatabase, owner: Owner, api: number, id: bigint): Promise<void> {
  await db.query(cancel, [owner.accountId, owner.keyId, owner.userId, api, id]);
}

/** A batch whose lines run. */
export interface RunningBatch {
  readonly batch_id: bigint;
  readonly account_id: bigint;
  readonly cancel_requested: boolean;
  /** Its time is over. */
  readonly is_over: boolean;
}

const running = statement(
  "jobs_batch_running",
  `select batch_id, account_id, cancel_requested, deadline_at <= now() as is_over from jobs.batch
   where state = 2 and not by_vendor and batch_id > $1 and (pause_until is null or pause_until <= now() or cancel_requested
     or deadline_at <= now()) order by batch_id limit $2`,
  { idempotent: true },
);

/** Batches that may have lines run now, in the order of their IDs. */
export function runningBatches(db: JobsDatabase, after: bigint, limit: number): Promise<RunningBatch[]> {
  return db.query<RunningBatch>(running, [after, limit]);
}

const pause = statement(
  "jobs_batch_pause",
  "update jobs.batch set pause_until = now() + $2 * interval '1 millisecond' where batch_id = $1 and state = 2",
  { idempotent: true },
);

/** Leaves the upstreams of a batch alone for a while. */
export async function pauseBatch(db: JobsDatabase, id: bigint, ms: number): Promise<void> {
  await db.query(pause, [id, ms]);
}

const claim = statement(
  "jobs_batch_claim",
  `with due as materialized (
     select batch_id as id from jobs.batch where state = 3 and (lease_until is null or lease_until < now())
     order by batch_id limit 1 for update skip locked)
   update jobs.batch set worker = $1, lease_until = now() + $2 * interval '1 millisecond'
   from due where batch_id = due.id returning ${columns}`,
);

/** Takes a batch whose results are to be written; nobody else is given it for `leaseMs`. */
export async function claimFinalizing(
  db: JobsDatabase,
  worker: bigint,
  leaseMs: number,
): Promise<BatchRow | undefined> {
  const [row] = await db.query<BatchRow>(claim, [worker, leaseMs]);
  return row;
}

const hold = statement(
  "jobs_batch_hold",
  `update jobs.batch set lease_until = now() + $3 * interval '1 millisecond'
   where batch_id = $1 and worker = $2 and state = 3 returning batch_id`,
  { idempotent: true },
);

/** Holds it for longer. False: another worker has it. */
export async function holdFinalizing(db: JobsDatabase, id: bigint, worker: bigint, leaseMs: number): Promise<boolean> {
  return (await db.query(hold, [id, worker, leaseMs])).length > 0;
}

const end = statement(
  "jobs_batch_end",
  `with ended as (
     update jobs.batch set state = 4, ended_at = now(), worker = null, lease_until = null
      where batch_id = $1 and worker = $2 and state = 3 returning batch_id),
   lines as (delete from jobs.batch_line l using ended e where l.batch_id = e.batch_id)
   delete from jobs.batch_route r using ended e where r.batch_id = e.batch_id`,
);

/** Its results are written, and it is settled and recorded: its lines are of no use any more. */
export async function endBatch(db: Pick<JobsDatabase, "query">, id: bigint, worker: bigint): Promise<void> {
  await db.query(end, [id, worker]);
}

const forget = statement(
  "jobs_batch_forget",
  `delete from jobs.batch where batch_id in (
     (select batch_id from jobs.batch where state = 1 and touched_at < now() - interval '1 hour' limit $2)
     union all
     (select batch_id from jobs.batch where state = 4 and $1::bigint > 0
        and ended_at < now() - $1::bigint * interval '1 millisecond' limit $2))`,
);

/** Deletes batches that were never whole, and those that ended longer ago than this; 0: none of these. */
export async function forgetBatches(db: JobsDatabase, retentionMs: number, limit: number): Promise<void> {
  await db.query(forget, [retentionMs, limit]);
}

const remove = statement("jobs_batch_remove", "delete from jobs.batch where batch_id = $1 and state = 4");

/** Forgets a batch that has ended. */
export async function removeBatch(db: JobsDatabase, id: bigint): Promise<void> {
  await db.query(remove, [id]);
}

const held = statement(
  "jobs_batch_held",
  `select id from (
     (select batch_id as id from jobs.batch where state in (2, 3) and is_held and batch_id > $1 order by 1 limit $2)
     union all
     (select request_id from jobs.batch_line where state in (2, 3) and worker is not null and request_id > $1
      order by 1 limit $2)
     union all
     (select request_id from jobs.batch_line where state = 1 and tries > 0 and request_id > $1 order by 1 limit $2)) h
   order by id limit $2`,
  { idempotent: true },
);

/** Requests of batches and lines that hold reservations, in the order of their IDs. */
export async function heldReservations(db: JobsDatabase, after: bigint, limit: number): Promise<bigint[]> {
  return (await db.query<{ id: bigint }>(held, [after, limit])).map(({ id }) => id);
}
