import { type Database, statement } from "../../../shared/db/index.ts";
import { type Scope, toOwned } from "../domain/owner.ts";
import type { IdRange } from "../domain/times.ts";

/** More requests with one upstream ID (an upstream that repeats itself) are not looked at. */
const maxFound = 20;

/** Ordered by a sum, which has no index: the walk along the primary key would pass everybody's records. */
const find = statement(
  "history.records.upstream",
  `select request_id from history.record
    where upstream_hash = $1 and request_id >= $2 and request_id < $3 and ($4 = 0 or account_id = $4)
    order by request_id + 0 desc limit ${maxFound}`,
  { idempotent: true },
);

/** The newest requests of a range and an account whose upstream gave them an ID of this hash. */
export async function findByUpstream(
  db: Pick<Database<unknown>, "query">,
  hash: bigint,
  { from, to }: IdRange,
  scope: Scope,
): Promise<bigint[]> {
  const rows = await db.query<{ request_id: bigint }>(find, [hash, from, to, toOwned(scope).accountId]);
  return rows.map((row) => row.request_id);
}
