/** A job as its row holds it. */
export interface JobRow {
  readonly request_id: bigint;
  readonly account_id: bigint;
  readonly key_id: bigint;
  readonly user_id: string;
  readonly module: number;
  /** 1 its start is under way, 2 a vendor has it, 3 it has ended and is to be settled and recorded, 4 all is done. */
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
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly result_ms: bigint;
  readonly size: string;
  readonly created_at: Date;
  readonly deadline_at: Date;
  readonly ended_at: Date | null;
  readonly expires_at: Date | null;
  readonly wake_at: Date | null;
  readonly polls: number;
  readonly failed_polls: number;
  readonly cancel_requested: boolean;
  /** What happened: a name, and milliseconds since the arrival. */
  readonly events: readonly (readonly [name: string, atMs: number])[];
}

/** Columns of `JobRow`. */
export const jobColumns = `request_id, account_id, key_id, user_id, module, phase, state, progress, item, body, view, traceparent,
  candidate, vendor_job_id, locator, started, usage, error_code, error_message, result_ms, size, created_at, deadline_at,
  ended_at, expires_at, wake_at, polls, failed_polls, cancel_requested, events`;

/** Phases of a job. */
export const phases = { starting: 1, running: 2, ending: 3, ended: 4 } as const;
