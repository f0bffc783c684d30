import type { ErrorColumns } from "./kept-error.ts";

/** A job as its row holds it. */
export interface JobRow extends ErrorColumns, ReadAt {
  readonly request_id: bigint;
  readonly account_id: bigint;
  readonly key_id: bigint;
  readonly user_id: string;
  readonly module: number;
  /** A value of throughline.jobs.v1.JobKind. */
  readonly kind: number;
  /** 1 its start is under way, or it waits for a worker; 2 a vendor has it, or a worker; 3 it has ended and is to be settled and recorded, 4 all is done. */
  readonly phase: number;
  /** A value of throughline.jobs.v1.JobState. */
  readonly state: number;
  readonly progress: number;
  /** The InvokeItem of its start, without the body. */
  readonly item: Buffer;
  readonly body: Buffer | null;
  readonly view: Buffer;
  readonly traceparent: string;
  /** Place among the item's candidates; null: none has taken it. */
  readonly candidate: number | null;
  readonly vendor_job_id: string;
  readonly locator: string;
  /** The Outcome of its start. */
  readonly started: Buffer | null;
  /** The Usage that its end is charged by. */
  readonly usage: Buffer | null;
  readonly result_ms: bigint;
  readonly size: string;
  readonly created_at: Date;
  readonly deadline_at: Date;
  readonly ended_at: Date | null;
  readonly expires_at: Date | null;
  readonly wake_at: Date | null;
  readonly polls: number;
  readonly failed_polls: number;
  /** Milliseconds that its vendor wants between two questions; 0: it has no such rule. */
  readonly poll_floor_ms: number;
  /** Why the last question after it was not answered as it should be; empty: it was. */
  readonly trouble: string;
  /** Since when that is so. */
  readonly trouble_at: Date | null;
  /**
   * How often in a row its vendor has said that it does not know the job. Of a start, and of an own call: how often a worker
   * has found that nobody holds it.
   */
  readonly misses: number;
  /** The moment that it was given to be asked after; null: it has none. */
  readonly paced_at: Date | null;
  /** Jobs with the same text may be asked after in one call; empty: the job is asked after alone. */
  readonly poll_group: string;
  /** Most jobs of such a question. */
  readonly poll_together: number;
  readonly cancel_requested: boolean;
  /** Its owner wants to see it no more. */
  readonly deleted: boolean;
  /** How often a worker has taken an own call. */
  readonly runs: number;
  /** What of its body is kept with the record; null: nothing. */
  readonly input: Buffer | null;
  /** The record has the answer itself, not the provider's document. */
  readonly keeps_answer: boolean;
  /** Object that has the bytes of its form; 0: it has none. */
  readonly upload: bigint;
  /** Object that has its result; 0: it has none, or the row has it. */
  readonly result_object: bigint;
  readonly result_type: string;
  readonly result_bytes: bigint;
  /** What happened: a name, and milliseconds since the arrival. */
  readonly events: readonly (readonly [name: string, atMs: number])[];
}

/** Columns of `JobRow`. */
export const jobColumns = `request_id, account_id, key_id, user_id, module, phase, state, progress, item, body, view, traceparent,
  candidate, vendor_job_id, locator, started, usage, error_code, error_message, error, result_ms, size, created_at, deadline_at,
  ended_at, expires_at, wake_at, polls, failed_polls, poll_floor_ms, trouble, trouble_at, misses, paced_at, poll_group, poll_together, cancel_requested, events, deleted, kind, runs, input, keeps_answer, upload,
  result_object, result_type, result_bytes, now() as read_at`;

/**
 * What a row says of time was written by PostgreSQL's clock and is compared with that one. This machine's may be another, or
 * be set meanwhile: one that was half an hour ahead ended every video that ran, and one that was behind asked after none.
 */
export interface ReadAt {
  /** PostgreSQL's time when the row was read. */
  readonly read_at: Date;
}

/** Milliseconds from the reading of a row to a time that it names; negative: it was over. */
export function msUntil(time: Date, { read_at: readAt }: ReadAt): number {
  return time.getTime() - readAt.getTime();
}

/** Kinds of jobs. */
export const kinds = { vendor: 1, call: 2 } as const;

/** Phases of a job. */
export const phases = { starting: 1, running: 2, ending: 3, ended: 4 } as const;
