import { partUnits, type UsagePart } from "../../../shared/units.ts";
import type { StoredQuantities, StoredTraits } from "../domain/quantities.ts";

/** A row of history.record. NULL stands for 0 or empty; ids are of history.term. */
export interface RecordRow extends UsageCounts {
  request_id: bigint;
  account_id: bigint;
  key_id: bigint;
  updated_us: bigint;
  attempt_id: bigint | null;
  duration_us: bigint | null;
  first_byte_us: bigint | null;
  reserved_nano_usd: bigint | null;
  billed_nano_usd: bigint | null;
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
  /** Quantities of units without a column, and what picked their price: see domain/quantities.ts. */
  more: StoredQuantities | null;
  traits: StoredTraits | null;
}

type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : "";
/** Columns of the units that a usage spells out. */
export type UsageColumn = Snake<UsagePart>;
type UsageCounts = Record<UsageColumn, bigint | null>;

/** Those columns, each with its field of the contract's Usage. */
export const usageColumns: readonly { readonly column: UsageColumn; readonly part: UsagePart }[] = partUnits.map(
  ({ name, part }) => ({ column: name as UsageColumn, part }),
);

/** How a column is stored, and how it travels. */
interface Column {
  readonly name: keyof RecordRow;
  /** Its definition in the table. */
  readonly definition: string;
  /** Type of its items as a parameter: PostgreSQL has no binary form of ours for smallint. */
  readonly sent: "bigint" | "integer" | "text" | "jsonb";
}

const columnsOf = (sent: Column["sent"], definitions: Partial<Record<keyof RecordRow, string>>): Column[] =>
  Object.entries(definitions).map(([name, definition]) => ({ name: name as keyof RecordRow, definition, sent }));

/** Columns of history.record as they are inserted, from wide to narrow, so that no room is lost between them. */
export const recordColumns: readonly Column[] = [
  ...columnsOf("bigint", {
    request_id: "bigint not null",
    account_id: "bigint not null",
    key_id: "bigint not null",
    updated_us: "bigint not null",
    attempt_id: "bigint",
    duration_us: "bigint",
    first_byte_us: "bigint",
    reserved_nano_usd: "bigint",
    billed_nano_usd: "bigint",
    ...Object.fromEntries(usageColumns.map(({ column }) => [column, "bigint"])),
    upstream_hash: "bigint",
  }),
  ...columnsOf("integer", {
    shape_id: "integer not null",
    outcome_id: "integer not null",
    payload_bytes: "integer",
    created_us: "smallint not null",
    status: "smallint not null check (status in (4, 5))",
    flags: "smallint not null",
  }),
  ...columnsOf("text", { user_id: 'text collate "C"', requested_model: "text", error_message: "text" }),
  ...columnsOf("jsonb", { more: "jsonb", traits: "jsonb" }),
];
