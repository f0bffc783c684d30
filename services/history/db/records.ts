import { bigintArray, type Database, statement } from "../../../shared/db/index.ts";
import { type RecordRow, recordColumns } from "./record-row.ts";

/** A row with its packed payload. */
export interface ReadRow extends RecordRow {
  /** NULL: there is none, or it was not within the budget. */
  body: Buffer | null;
  /** Whether the payload was read: false when it was beyond the budget. */
  within: boolean;
}

type Reader = Pick<Database<unknown>, "query">;

const columns = recordColumns.map((name) => `r.${name}`).join(", ");

/** The bounds stand beside the list because only they tell the planner which partitions it may leave closed. */
const readWhole = statement(
  "history.records.read",
  `select ${columns}, p.body, true as within
     from history.record r
     left join history.payload p on p.request_id = r.request_id
      and p.request_id = any($1::bigint[]) and p.request_id between $2 and $3
    where r.request_id = any($1::bigint[]) and r.request_id between $2 and $3`,
  { idempotent: true },
);

const readWithin = statement(
  "history.records.read-within",
  `select ${columns}, p.body, r.within
     from (select *, coalesce(sum(payload_bytes) over (order by request_id desc), 0) <= $4 as within
             from history.record
            where request_id = any($1::bigint[]) and request_id between $2 and $3) r
     left join history.payload p on r.within and p.request_id = r.request_id
      and p.request_id = any($1::bigint[]) and p.request_id between $2 and $3`,
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

/** The records of these IDs, in no order; unknown ones are missing. Payloads come for the newest, as long as their sum is within `budgetBytes`. */
export async function readRows(db: Reader, ids: readonly bigint[], budgetBytes?: number): Promise<ReadRow[]> {
  if (ids.length === 0) return [];
  if (budgetBytes === undefined || ids.length === 1) return db.query<ReadRow>(readWhole, among(ids));
  return db.query<ReadRow>(readWithin, [...among(ids), budgetBytes]);
}

/** The packed payloads of these IDs. */
export async function readPayloads(db: Reader, ids: readonly bigint[]): Promise<Map<bigint, Buffer>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query<{ request_id: bigint; body: Buffer }>(readBodies, among(ids));
  return new Map(rows.map((row) => [row.request_id, row.body]));
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
