import { type Database, statement } from "../../../shared/db/index.ts";
import { among } from "./records.ts";

/** Ended, or deleted by its owner: either way nobody needs to write a record any more. */
const findFinished = statement(
  "history.finished",
  `select request_id from history.record where request_id = any($1::bigint[]) and request_id between $2 and $3
   union all
   select request_id from history.tombstone where request_id = any($1::bigint[]) and confirmed`,
  { idempotent: true },
);

/** Which of these requests have no record of their end. */
export async function findUnfinished(db: Pick<Database<unknown>, "query">, ids: readonly bigint[]): Promise<bigint[]> {
  const unique = [...new Set(ids)];
  if (unique.length === 0) return [];
  const finished = await db.query<{ request_id: bigint }>(findFinished, among(unique));
  const done = new Set(finished.map((row) => row.request_id));
  return unique.filter((id) => !done.has(id));
}
