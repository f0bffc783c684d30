import { statement, textArray } from "../../../shared/db/index.ts";
import { type BatchRow, batchColumns } from "./batch-row.ts";
import type { Owner } from "./jobs.ts";
import type { JobsDatabase } from "./open.ts";

/** A batch that is still taken in is nobody's yet. */
const narrowed =
  "($2::bigint = 0 or key_id = $2) and ($3 = '' or user_id = $3) and ($4::smallint = 0 or api = $4) and state > 1";
const owned = `account_id = $1 and ${narrowed}`;
/** Account 0 stands for all accounts. It has a text of its own, because a plan that serves both takes no index. */
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
   returning ${batchColumns}`,
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
  `select ${batchColumns} from jobs.batch where batch_id = $5 and ($1::bigint = 0 or account_id = $1) and ${narrowed}`,
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
    `select ${batchColumns} from jobs.batch where ${whose === "own" ? owned : anybodys} and batch_id ${direction === "asc" ? ">" : "<"} $5
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

const remove = statement("jobs_batch_remove", "delete from jobs.batch where batch_id = $1 and state = 4");

/** Forgets a batch that has ended. */
export async function removeBatch(db: JobsDatabase, id: bigint): Promise<void> {
  await db.query(remove, [id]);
}
