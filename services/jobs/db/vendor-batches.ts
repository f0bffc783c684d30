import { bigintArray, byteaArray, integerArray, statement, textArray } from "../../../shared/db/index.ts";
import { type LineEnd, type LineRow, lineColumns } from "./batch-lines.ts";
import type { ReadAt } from "./job-row.ts";
import type { JobsDatabase } from "./open.ts";

/** What is to be done about a batch at its vendor. */
export const vendorPhases = {
  /** Its lines are to be written as the vendor takes them. */
  writing: 1,
  /** They are to be uploaded. */
  uploading: 2,
  /** It is to be created. */
  creating: 3,
  /** Its creation was sent; nobody knows what came of it. */
  sent: 4,
  /** The vendor has it. */
  following: 5,
  /** Its results are to be read. */
  reading: 6,
  /** The files of it that are left at the vendor and with us are to be deleted. */
  cleaning: 7,
  done: 8,
} as const;

/** A batch at its vendor as its row holds it, with what its steps need of the batch itself. */
export interface VendorBatchRow extends ReadAt {
  readonly batch_id: bigint;
  /** One of `vendorPhases`. */
  readonly phase: number;
  readonly channel: string;
  readonly lines: number;
  readonly bytes: bigint;
  readonly place: string;
  readonly file_id: string;
  readonly vendor_id: string;
  readonly files: readonly string[];
  readonly locator: string;
  readonly is_late: boolean;
  readonly cancel_sent: boolean;
  readonly polls: number;
  /** Steps in a row that came to nothing. */
  readonly failures: number;
  readonly sent_at: Date | null;
  readonly account_id: bigint;
  readonly traceparent: string;
  /** One of `batchStates`. */
  readonly state: number;
  readonly cancel_requested: boolean;
  readonly deadline_at: Date;
}

const insert = statement(
  "jobs_vendor_batch_insert",
  "insert into jobs.vendor_batch (batch_id, channel) values ($1, $2) on conflict do nothing",
  { idempotent: true },
);

/** Gives a batch that is about to be started to a vendor. */
export async function insertVendorBatch(db: JobsDatabase, batchId: bigint, channel: string): Promise<void> {
  await db.query(insert, [batchId, channel]);
}

const claim = statement(
  "jobs_vendor_batch_claim",
  `with due as materialized (
     select v.batch_id from jobs.vendor_batch v join jobs.batch b on b.batch_id = v.batch_id
      where v.phase < 8 and v.wake_at <= now() and (v.lease_until is null or v.lease_until < now())
        and ((b.state = 2 and b.by_vendor) or b.state > 2)
      order by v.wake_at limit $1 for update of v skip locked)
   update jobs.vendor_batch v set worker = $2, lease_until = now() + $3 * interval '1 millisecond'
   from due, jobs.batch b where v.batch_id = due.batch_id and b.batch_id = due.batch_id
   returning v.batch_id, v.phase, v.channel, v.lines, v.bytes, v.place, v.file_id, v.vendor_id, v.files, v.locator, v.is_late,
     v.cancel_sent, v.polls, v.failures, v.sent_at, b.account_id, b.traceparent, b.state, b.cancel_requested, b.deadline_at, now() as read_at`,
);

/** Takes batches of which something is to be done; nobody else is given them for `leaseMs`. */
export function claimVendorBatches(
  db: JobsDatabase,
  limit: number,
  worker: bigint,
  leaseMs: number,
): Promise<VendorBatchRow[]> {
  return db.query<VendorBatchRow>(claim, [limit, worker, leaseMs]);
}

const hold = statement(
  "jobs_vendor_batch_hold",
  `update jobs.vendor_batch set lease_until = now() + $3 * interval '1 millisecond'
   where batch_id = $1 and worker = $2 returning batch_id`,
  { idempotent: true },
);

/** Holds it for longer. False: another worker has it. */
export async function holdVendorBatch(
  db: JobsDatabase,
  batchId: bigint,
  worker: bigint,
  leaseMs: number,
): Promise<boolean> {
  return (await db.query(hold, [batchId, worker, leaseMs])).length > 0;
}

/** The changes that a step has brought. A field that is left out stays as it is. */
export interface VendorBatchStep {
  readonly phase?: number;
  readonly lines?: number;
  readonly bytes?: number;
  readonly place?: string;
  readonly fileId?: string;
  readonly vendorId?: string;
  readonly files?: readonly string[];
  readonly locator?: string;
  readonly isLate?: boolean;
  readonly cancelSent?: boolean;
  readonly polls?: number;
  readonly failures?: number;
  /** Its creation is about to be sent. */
  readonly isSent?: boolean;
  /** Milliseconds to the next step; with `keeps`, the worker takes it itself. */
  readonly inMs: number;
  /** The lease stays. */
  readonly keeps?: boolean;
}

const note = statement(
  "jobs_vendor_batch_note",
  `update jobs.vendor_batch set phase = coalesce($3, phase), lines = coalesce($4, lines), bytes = coalesce($5, bytes),
     place = coalesce($6, place), file_id = coalesce($7, file_id), vendor_id = coalesce($8, vendor_id),
     files = coalesce($9::text[], files), locator = coalesce($10, locator), is_late = coalesce($11, is_late),
     cancel_sent = coalesce($12, cancel_sent), polls = coalesce($13, polls), failures = coalesce($14, failures),
     sent_at = case when $15 then now() else sent_at end, wake_at = now() + $16 * interval '1 millisecond',
     lease_until = case when $17 then lease_until end, worker = case when $17 then worker end
   where batch_id = $1 and worker = $2 returning batch_id`,
);

/** Notes what a step has come to. False: another worker has the batch. */
export async function noteVendorBatch(
  db: JobsDatabase,
  batchId: bigint,
  worker: bigint,
  step: VendorBatchStep,
): Promise<boolean> {
  const { phase, lines, bytes, place, fileId, vendorId, files, locator, isLate, cancelSent, polls, failures } = step;
  const rows = await db.query(note, [
    ...[batchId, worker, phase ?? null, lines ?? null, bytes ?? null, place ?? null, fileId ?? null, vendorId ?? null],
    ...[files === undefined ? null : textArray([...files]), locator ?? null, isLate ?? null, cancelSent ?? null],
    ...[polls ?? null, failures ?? null, step.isSent ?? false, step.inMs, step.keeps ?? false],
  ]);
  return rows.length > 0;
}

const giveBack = statement(
  "jobs_vendor_batch_give_back",
  `with gone as (delete from jobs.vendor_batch where batch_id = $1 and worker = $2 returning batch_id)
   update jobs.batch b set by_vendor = false, told = null from gone where b.batch_id = gone.batch_id`,
);

/** Has our own workers run the lines of a batch that no vendor has taken. */
export async function giveVendorBatchBack(db: JobsDatabase, batchId: bigint, worker: bigint): Promise<void> {
  await db.query(giveBack, [batchId, worker]);
}

const wake = statement("jobs_vendor_batch_wake", "update jobs.vendor_batch set wake_at = now() where batch_id = $1", {
  idempotent: true,
});

/** Has the batch looked at, at once. */
export async function wakeVendorBatch(db: JobsDatabase, batchId: bigint): Promise<void> {
  await db.query(wake, [batchId]);
}

const vendorOf = statement(
  "jobs_vendor_batch_of",
  "select channel, vendor_id from jobs.vendor_batch where batch_id = $1 and vendor_id <> ''",
  { idempotent: true },
);

/** Who ran a batch, and what it is called there; undefined: our own workers ran it. */
export async function readVendor(
  db: JobsDatabase,
  batchId: bigint,
): Promise<{ channel: string; vendor_id: string } | undefined> {
  const [row] = await db.query<{ channel: string; vendor_id: string }>(vendorOf, [batchId]);
  return row;
}

const waiting = statement(
  "jobs_vendor_lines_waiting",
  `select ${lineColumns("l")} from jobs.batch_line l
   where l.batch_id = $1 and l.line > $2 and l.state = 1 order by l.line limit $3`,
  { idempotent: true },
);

/** Lines that have not ended, in their order, behind `after`. */
export function readWaitingLines(db: JobsDatabase, batchId: bigint, after: number, limit: number): Promise<LineRow[]> {
  return db.query<LineRow>(waiting, [batchId, after, limit]);
}

/** A line as results name it. */
export interface LineName {
  readonly line: number;
  readonly requestId: bigint;
}

const named = statement(
  "jobs_vendor_lines_named",
  `select ${lineColumns("l")} from unnest($2::integer[], $3::bigint[]) as n (line, request_id)
     join jobs.batch_line l on l.batch_id = $1 and l.line = n.line and l.request_id = n.request_id
   where l.state = 1`,
  { idempotent: true },
);

/** Those of the named lines that have not ended. */
export function readNamedLines(db: JobsDatabase, batchId: bigint, names: readonly LineName[]): Promise<LineRow[]> {
  const lines = integerArray(names.map(({ line }) => line));
  return db.query<LineRow>(named, [batchId, lines, bigintArray(names.map(({ requestId }) => requestId))]);
}

const begin = statement(
  "jobs_vendor_lines_begin",
  `update jobs.batch_line set tries = 1, started_at = coalesce(started_at, $3)
   where batch_id = $1 and line = any ($2::integer[]) and state = 1 and tries = 0`,
  { idempotent: true },
);

/** Notes that lines are about to hold their parts of the batch's reservation. */
export async function beginVendorLines(
  db: JobsDatabase,
  batchId: bigint,
  lines: readonly number[],
  startedAt: Date,
): Promise<void> {
  await db.query(begin, [batchId, integerArray(lines), startedAt]);
}

const end = statement(
  "jobs_vendor_lines_end",
  `update jobs.batch_line l set state = 3, ended_at = now(), worker = $2, by_vendor = true, outcome = i.outcome,
     answer = i.answer, error_code = i.code, error_message = i.message, error = i.error
   from unnest($3::integer[], $4::bytea[], $5::bytea[], $6::text[], $7::text[], $8::bytea[])
     as i (line, outcome, answer, code, message, error)
   where l.batch_id = $1 and l.line = i.line and l.state = 1
   returning ${lineColumns("l")}`,
);

/** Notes how lines of one batch ended at its vendor; gives those that had not ended before. `worker` settles and records them. */
export function endVendorLines(
  db: JobsDatabase,
  batchId: bigint,
  worker: bigint,
  ends: readonly LineEnd[],
): Promise<LineRow[]> {
  return db.query<LineRow>(end, [
    ...[batchId, worker, integerArray(ends.map(({ line }) => line))],
    ...[byteaArray(ends.map(({ outcome }) => outcome)), byteaArray(ends.map(({ answer }) => answer))],
    ...[
      textArray(ends.map(({ error }) => error?.code ?? null)),
      textArray(ends.map((one) => one.error?.message ?? null)),
      byteaArray(ends.map(({ error }) => error?.whole)),
    ],
  ]);
}
