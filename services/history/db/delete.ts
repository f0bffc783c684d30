import { bigintArray, booleanArray, type Database, statement } from "../../../shared/db/index.ts";
import { requestIdEpochMs } from "../../../shared/request-id.ts";
import { bucketsPerE } from "../domain/latency.ts";
import { type Owned, owns, type Scope, toOwned } from "../domain/owner.ts";
import { waitForBatches } from "./batches.ts";
import { among } from "./records.ts";

type Writer = Pick<Database<unknown>, "query">;

const findOwners = statement(
  "history.delete.owners",
  `select request_id, account_id, key_id, coalesce(user_id, '') as user_id from history.record
    where request_id = any($1::bigint[]) and request_id between $2 and $3
   union all
   select request_id, account_id, key_id, coalesce(user_id, '') as user_id from history.unfinished
    where request_id = any($1::bigint[])`,
  { idempotent: true },
);

const addTombstones = statement(
  "history.delete.tombstones",
  `insert into history.tombstone (request_id, account_id, key_id, user_id, confirmed)
   select i.request_id, $3, $4, $5, i.confirmed from unnest($1::bigint[], $2::boolean[]) as i(request_id, confirmed)
   on conflict (request_id, account_id, key_id, user_id) do update set confirmed = true
    where excluded.confirmed and not tombstone.confirmed`,
  { idempotent: true },
);

/** As when it was added: no larger than its column. */
function total(sum: string): string {
  return `least(coalesce(sum(${sum}), 0), 9223372036854775807)::bigint`;
}

const ownedBy = `($4 = 0 or account_id = $4) and ($5 = 0 or key_id = $5) and ($6 = '' or user_id = $6)`;
/** Hours that may be summed up already lose what is deleted: of the account, and of all together (account 0). */
const noteChanges = `
     insert into history.usage_change (account_id, key_id, requests, input_tokens, output_tokens, billed_nano_usd,
       hour, shape_id, status, bucket)
     select whose.account_id, case when whose.account_id = 0 then 0 else record.key_id end, -count(*),
       -${total("coalesce(input_tokens, 0)::numeric + coalesce(cached_input_tokens, 0) + coalesce(cache_write_tokens, 0)")},
       -${total("coalesce(output_tokens, 0)::numeric + coalesce(reasoning_tokens, 0)")},
       -${total("coalesce(billed_nano_usd, 0)")},
       (((record.request_id >> 22) + ${requestIdEpochMs}) / 3600000)::integer, record.shape_id, record.status,
       floor(ln(greatest(coalesce(record.duration_us, 1), 1)::float8) * ${bucketsPerE})::smallint
     from record cross join lateral (values (record.account_id), (0)) as whose(account_id)
     group by 1, 2, 7, 8, 9, 10`;
const deleteRows = statement(
  "history.delete.rows",
  `with record as (
     delete from history.record
      where request_id = any($1::bigint[]) and request_id between $2 and $3 and ${ownedBy}
     returning request_id, account_id, key_id, shape_id, status, duration_us, input_tokens, cached_input_tokens,
       cache_write_tokens, output_tokens, reasoning_tokens, billed_nano_usd
   ), payload as (
     delete from history.payload
      where request_id = any($1::bigint[]) and request_id between $2 and $3
        and request_id in (select request_id from record)
   ), unfinished as (
     delete from history.unfinished where request_id = any($1::bigint[]) and ${ownedBy} returning request_id
   ), changed as (${noteChanges}
   ), gone as (
     select request_id from record union select request_id from unfinished
   ), confirmed as (
     update history.tombstone set confirmed = true
      where request_id in (select request_id from gone) and not confirmed
        and account_id = $4 and key_id = $5 and user_id = $6
   )
   select count(*)::integer as deleted from gone`,
  { idempotent: true },
);

/**
 * Deletes the records of a scope and gives their number. A record of one of these requests that arrives later is not
 * stored: of a request that was known, ever; of an unknown one if `mayStillCome` says so.
 */
export async function deleteRecords(
  db: Writer,
  { scope, ids, mayStillCome }: { scope: Scope; ids: readonly bigint[]; mayStillCome: (id: bigint) => boolean },
): Promise<number> {
  if (ids.length === 0) return 0;
  const owner = toOwned(scope);
  const known = await ownersOf(db, ids);
  const owned = ids.filter((id) => known.get(id)?.some((record) => owns(scope, record)));
  const unknown = ids.filter((id) => !known.has(id) && mayStillCome(id));
  const buried = [...owned, ...unknown].sort((a, b) => (a < b ? -1 : 1));
  if (buried.length === 0) return 0;
  const confirmed = new Set(owned);
  await db.query(addTombstones, [
    bigintArray(buried),
    booleanArray(buried.map((id) => confirmed.has(id))),
    owner.accountId,
    owner.keyId,
    owner.userId,
  ]);
  await waitForBatches(db);
  const [row] = await db.query<{ deleted: number }>(deleteRows, [
    ...among(buried),
    owner.accountId,
    owner.keyId,
    owner.userId,
  ]);
  return row?.deleted ?? 0;
}

async function ownersOf(db: Writer, ids: readonly bigint[]): Promise<Map<bigint, Owned[]>> {
  const owners = new Map<bigint, Owned[]>();
  const rows = await db.query<{ request_id: bigint; account_id: bigint; key_id: bigint; user_id: string }>(
    findOwners,
    among(ids),
  );
  for (const row of rows) {
    const owned = owners.get(row.request_id) ?? [];
    owned.push({ accountId: row.account_id, keyId: row.key_id, userId: row.user_id });
    owners.set(row.request_id, owned);
  }
  return owners;
}
