/** A row of history.record. NULL stands for 0 or empty; ids are of history.term. */
export interface RecordRow {
  request_id: bigint;
  account_id: bigint;
  key_id: bigint;
  updated_us: bigint;
  attempt_id: bigint | null;
  duration_us: bigint | null;
  first_byte_us: bigint | null;
  reserved_nano_usd: bigint | null;
  billed_nano_usd: bigint | null;
  input_tokens: bigint | null;
  output_tokens: bigint | null;
  cached_input_tokens: bigint | null;
  cache_write_tokens: bigint | null;
  reasoning_tokens: bigint | null;
  images: bigint | null;
  audio_ms: bigint | null;
  characters: bigint | null;
  /** See `upstreamHash`. */
  upstream_hash: bigint | null;
  /** What it has in common with many others: see domain/terms.ts. */
  shape_id: number;
  outcome_id: number;
  /** Bytes of the payload before compression. NULL: it has none. */
  payload_bytes: number | null;
  /** Microseconds of the creation beyond the millisecond of the ID, 0 to 999. */
  created_us: number;
  status: number;
  /** Bits, see domain/flags.ts. */
  flags: number;
  user_id: string | null;
  requested_model: string | null;
  error_message: string | null;
}

/** Columns of history.record, in the order of their table. */
export const recordColumns: readonly (keyof RecordRow)[] = [
  "request_id",
  "account_id",
  "key_id",
  "updated_us",
  "attempt_id",
  "duration_us",
  "first_byte_us",
  "reserved_nano_usd",
  "billed_nano_usd",
  "input_tokens",
  "output_tokens",
  "cached_input_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "images",
  "audio_ms",
  "characters",
  "upstream_hash",
  "shape_id",
  "outcome_id",
  "payload_bytes",
  "created_us",
  "status",
  "flags",
  "user_id",
  "requested_model",
  "error_message",
];
