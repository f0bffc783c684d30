import { bigintArray, byteaArray, integerArray, statement, textArray } from "../../../shared/db/index.ts";
import type { ErrorColumns, KeptError } from "./kept-error.ts";
import type { JobsDatabase } from "./open.ts";

/** A line as its row holds it. */
export interface LineRow extends ErrorColumns {
  readonly batch_id: bigint;
  readonly line: number;
  readonly request_id: bigint;
  /** How often it was begun; 0: never, so it holds nothing. */
  readonly tries: number;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  /** Its BatchLine without the body. */
  readonly said: Buffer;
  readonly body: Buffer | null;
  readonly outcome: Buffer | null;
  readonly answer: Buffer | null;
  /** It was the batch of a vendor that answered it. */
  readonly by_vendor: boolean;
}

/** The columns of a line's row. */
export const lineColumns = (alias: string): string =>
  ["batch_id", "line", "request_id", "tries", "started_at", "ended_at", "said", "body", "outcome", "answer"]
    .concat("error_code", "error_message", "error", "by_vendor")
    .map((name) => `${alias}.${name}`)
    .join(", ");

/** A line that comes with its batch. One with an error has ended: it is only recorded. */
export interface NewLine {
  readonly line: number;
  readonly requestId: bigint;
  readonly said: Uint8Array;
  readonly body: Uint8Array;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

const insert = statement(
  "jobs_batch_lines",
  `with open as (
     update jobs.batch set touched_at = now() where batch_id = $1 and account_id = $2 and state = 1 returning batch_id)
   insert into jobs.batch_line (batch_id, line, request_id, state, said, body, error_code, error_message, ended_at)
   select o.batch_id, i.line, i.request_id, case when i.code is null then 1 else 3 end, i.said, i.body, i.code, i.message,
     case when i.code is null then null else now() end
   from open o, unnest($3::integer[], $4::bigint[], $5::bytea[], $6::bytea[], $7::text[], $8::text[])
     as i (line, request_id, said, body, code, message)
   on conflict (batch_id, line) do nothing`,
  { idempotent: true },
);

/** Keeps lines of a batch that is taken in. Those that are there already stay. */
export async function insertLines(
  db: JobsDatabase,
  { id, accountId }: { readonly id: bigint; readonly accountId: bigint },
  lines: readonly NewLine[],
): Promise<void> {
  await db.query(insert, [
    ...[id, accountId, integerArray(lines.map(({ line }) => line)), bigintArray(lines.map((line) => line.requestId))],
    ...[byteaArray(lines.map(({ said }) => said)), byteaArray(lines.map(({ body }) => body))],
    ...[
      textArray(lines.map(({ error }) => error?.code ?? null)),
      textArray(lines.map((line) => line.error?.message ?? null)),
    ],
  ]);
}

/** Materialized: as a part of the statement's plan it may be run again for each line, and then takes more than its limit. */
const claim = statement(
  "jobs_lines_claim",
  `with due as materialized (
     select c.line from jobs.batch_line c
      where c.batch_id = $1 and c.state = 1 and (c.wake_at is null or c.wake_at <= now())
        and exists (select from jobs.batch b where b.batch_id = $1 and b.state = 2 and not b.by_vendor and not b.cancel_requested)
      order by c.line limit $2 for update skip locked)
   update jobs.batch_line l set state = 2, worker = $3, tries = l.tries + 1, started_at = coalesce(l.started_at, now())
   from due where l.batch_id = $1 and l.line = due.line
   returning ${lineColumns("l")}`,
);

/** Takes lines of a batch that are to be run. */
export function claimLines(db: JobsDatabase, batchId: bigint, limit: number, worker: bigint): Promise<LineRow[]> {
  return db.query<LineRow>(claim, [batchId, limit, worker]);
}

/** How a line ended. */
export interface LineEnd {
  readonly batchId: bigint;
  readonly line: number;
  readonly outcome: Uint8Array | undefined;
  readonly answer: Uint8Array | undefined;
  readonly error: KeptError | undefined;
}

const end = statement(
  "jobs_lines_end",
  `update jobs.batch_line l set state = 3, ended_at = now(), outcome = i.outcome, answer = i.answer, error_code = i.code,
     error_message = i.message, error = i.error
   from unnest($2::bigint[], $3::integer[], $4::bytea[], $5::bytea[], $6::text[], $7::text[], $8::bytea[])
     as i (batch_id, line, outcome, answer, code, message, error)
   where l.batch_id = i.batch_id and l.line = i.line and l.state in (2, 3) and l.worker = $1
   returning ${lineColumns("l")}`,
  { idempotent: true },
);

/**
 * Notes how lines ended; gives those that were this worker's to end. From now on they are to be settled and recorded. It may be
 * said twice: where the answer was lost nobody else closes them.
 */
export function endLines(db: JobsDatabase, worker: bigint, ends: readonly LineEnd[]): Promise<LineRow[]> {
  return db.query<LineRow>(end, [
    ...[worker, bigintArray(ends.map(({ batchId }) => batchId)), integerArray(ends.map(({ line }) => line))],
    ...[byteaArray(ends.map(({ outcome }) => outcome)), byteaArray(ends.map(({ answer }) => answer))],
    ...[
      textArray(ends.map(({ error }) => error?.code ?? null)),
      textArray(ends.map((one) => one.error?.message ?? null)),
      byteaArray(ends.map(({ error }) => error?.whole)),
    ],
  ]);
}

const retry = statement(
  "jobs_line_retry",
  `update jobs.batch_line set state = 1, worker = null, tries = tries - $4, wake_at = now() + $5 * interval '1 millisecond'
   where batch_id = $1 and line = $2 and worker = $3 and state = 2`,
);

/** Has a line run again later. @param unbegun 1: it was taken and not begun, so the try does not count. */
export async function retryLine(
  db: JobsDatabase,
  { batch_id: batchId, line }: Pick<LineRow, "batch_id" | "line">,
  worker: bigint,
  { unbegun, inMs }: { readonly unbegun: 0 | 1; readonly inMs: number },
): Promise<void> {
  await db.query(retry, [batchId, line, worker, unbegun, inMs]);
}

const skip = statement(
  "jobs_lines_skip",
  `with due as materialized (
     select line from jobs.batch_line where batch_id = $1 and state = 1 order by line limit $4 for update skip locked)
   update jobs.batch_line l set state = 3, ended_at = now(), error_code = $2, error_message = $3
   from due where l.batch_id = $1 and l.line = due.line returning l.line`,
);

/** Ends lines that will not be run; gives how many. */
export async function skipLines(
  db: JobsDatabase,
  batchId: bigint,
  { code, message }: { readonly code: string; readonly message: string },
  limit: number,
): Promise<number> {
  return (await db.query(skip, [batchId, code, message, limit])).length;
}

const giveBack = statement(
  "jobs_lines_give_back",
  `update jobs.batch_line l set worker = null, state = case when l.state = 2 then 1 else l.state end,
     tries = case when l.state = 2 then l.tries - 1 else l.tries end
   where l.worker = $1 and l.state in (2, 3)
     and not exists (select from unnest($2::bigint[], $3::integer[]) as k (batch_id, line)
       where k.batch_id = l.batch_id and k.line = l.line)`,
  { idempotent: true },
);

/**
 * Gives back lines that bear a worker's name and that it does not know of: the answer to its claim was lost, and while it lives
 * nobody else takes them.
 */
export async function giveBackUnknown(
  db: JobsDatabase,
  worker: bigint,
  known: readonly Pick<LineRow, "batch_id" | "line">[],
): Promise<void> {
  const batches = bigintArray(known.map(({ batch_id: id }) => id));
  await db.query(giveBack, [worker, batches, integerArray(known.map(({ line }) => line))]);
}

const claimEnd = statement(
  "jobs_lines_claim_ended",
  `with due as materialized (
     select e.batch_id, e.line from jobs.batch_line e join jobs.batch b on b.batch_id = e.batch_id and b.state = 2
      where e.state = 3 and e.worker is null limit $2 for update of e skip locked)
   update jobs.batch_line l set worker = $1
   from due where l.batch_id = due.batch_id and l.line = due.line
   returning ${lineColumns("l")}`,
);

/** Takes lines that have ended and are to be settled and recorded. */
export function claimEnded(db: JobsDatabase, worker: bigint, limit: number): Promise<LineRow[]> {
  return db.query<LineRow>(claimEnd, [worker, limit]);
}

const release = statement(
  "jobs_line_release",
  "update jobs.batch_line set worker = null where batch_id = $1 and line = $2 and worker = $3 and state = 3",
);

/** Leaves a line that has ended to whoever takes it next. */
export async function releaseEnded(
  db: JobsDatabase,
  { batch_id: batchId, line }: Pick<LineRow, "batch_id" | "line">,
  worker: bigint,
): Promise<void> {
  await db.query(release, [batchId, line, worker]);
}
