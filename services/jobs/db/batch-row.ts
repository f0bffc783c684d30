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

/** The columns of a batch's row. */
export const batchColumns = `batch_id, account_id, key_id, user_id, api, endpoint, module, store_response, state, cancel_requested,
  input_file_id, output_file_id, error_file_id, view, facts, traceparent, models, is_held, reserved, results_life_ms, total, succeeded,
  failed, cancelled, expired, told, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
  more, costed, listed, billed, list_price, created_at, deadline_at, started_at, cancelling_at, finalizing_at, ended_at`;
