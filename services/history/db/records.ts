import { bigintArray, type Database, statement } from "../../../shared/db/index.ts";
import { type RecordRow, recordColumns } from "./record-row.ts";

type Reader = Pick<Database<unknown>, "query">;

/** A record and its packed payload; null: there is none. */
export type RowWithPayload = RecordRow & { readonly body: Buffer | null };

const columns = recordColumns.map(({ name }) => `r.${name}`).join(", ");

/**
 * The bounds stand beside the list because only they tell the planner which partitions it may leave closed. Payloads are
 * read by a statement of their own: of a join with two lists the planner expects one row, and nests two scans of them.
 */
const readRecords = statement(
  "history.records.read",
  `select ${columns} from history.record r where r.request_id = any($1::bigint[]) and r.request_id between $2 and $3`,
  { idempotent: true },
);

/** What `readRowsWithPayloads` may read together: a look for each payload, which hurts a long list, is right for a short one. */
export const together = { maxIds: 50, maxPayloadBytes: 64 * 1024 } as const;

/**
 * The offset keeps each look for a payload by itself. Without it PostgreSQL joined the records with all payloads between
 * the lowest and the highest ID, of which a general plan expects few: 1.5 million were read for three records that lay 60
 * days apart, in 1.1 s of the server where this takes 0.8 ms.
 */
const readRecordsAndBodies = statement(
  "history.records.read_together",
  `select ${columns}, p.body from history.record r
     left join lateral (
       select body from history.payload
        where request_id = r.request_id and request_id between $2 and $3
          and r.payload_bytes <= ${together.maxPayloadBytes} offset 0
     ) p on true
    where r.request_id = any($1::bigint[]) and r.request_id between $2 and $3`,
  { idempotent: true },
);

/** One record with its payload in one round trip. */
const readOne = statement(
  "history.records.one",
  `select ${columns}, p.body from history.record r
     left join history.payload p on p.request_id = r.request_id and p.request_id = $1
    where r.request_id = $1`,
  { idempotent: true },
);

const readBodies = statement(
  "history.records.bodies",
  `select request_id, body from history.payload where request_id = any($1::bigint[]) and request_id between $2 and $3`,
  { idempotent: true },
);

const readRunning = statement(
  "history.records.running",
  "select request_id, body from history.unfinished where request_id = any($1::bigint[])",
  { idempotent: true },
);

/** The records of these IDs, in no order; unknown ones are missing. */
export async function readRows(db: Reader, ids: readonly bigint[]): Promise<RecordRow[]> {
  return ids.length === 0 ? [] : db.query<RecordRow>(readRecords, among(ids));
}

/** The records of a short list of IDs with their packed payloads, but those above `together.maxPayloadBytes`. */
export async function readRowsWithPayloads(db: Reader, ids: readonly bigint[]): Promise<RowWithPayload[]> {
  return ids.length === 0 ? [] : db.query<RowWithPayload>(readRecordsAndBodies, among(ids));
}

/** One record and its packed payload. */
export async function readRow(db: Reader, id: bigint): Promise<{ row: RecordRow; body: Buffer | null } | undefined> {
  const [row] = await db.query<RowWithPayload>(readOne, [id]);
  return row && { row, body: row.body };
}

/** The packed payloads of these IDs. */
export async function readPayloads(db: Reader, ids: readonly bigint[]): Promise<Map<bigint, Buffer>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query<{ request_id: bigint; body: Buffer }>(readBodies, among(ids));
  return new Map(rows.map((row) => [row.request_id, row.body]));
}

const readSizes = statement(
  "history.records.sizes",
  `select coalesce(array_agg(payload_bytes), '{}') as sizes from history.record
    where request_id = any($1::bigint[]) and request_id between $2 and $3 and payload_bytes is not null`,
  { idempotent: true },
);

/** The sizes of the payloads of these IDs, before compression and in no order. */
export async function readPayloadSizes(db: Reader, ids: readonly bigint[]): Promise<number[]> {
  const [row] = await db.query<{ sizes: number[] }>(readSizes, among(ids));
  return row?.sizes ?? [];
}

/** The serialized records of those that run. */
export async function readUnfinished(db: Reader, ids: readonly bigint[]): Promise<Map<bigint, Buffer>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query<{ request_id: bigint; body: Buffer }>(readRunning, [bigintArray(ids)]);
  return new Map(rows.map((row) => [row.request_id, row.body]));
}

/** The parameters of a list of IDs: the list, its lowest and its highest. */
export function among(ids: readonly bigint[]): [Buffer, bigint, bigint] {
  let [min = 0n] = ids;
  let max = min;
  for (const id of ids) {
    if (id < min) min = id;
    if (id > max) max = id;
  }
  return [bigintArray(ids), min, max];
}
