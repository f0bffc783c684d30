import { bigintArray, booleanArray, type Database, statement } from "../../../shared/db/index.ts";
import { type Owned, owns, type Scope, toOwned } from "../domain/owner.ts";
import { waitForBatches } from "./batches.ts";
import { among } from "./records.ts";
import { changesSql, summedColumns } from "./usage-sql.ts";

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

const ownedBy = `($4 = 0 or account_id = $4) and ($5 = 0 or key_id = $5) and ($6 = '' or user_id = $6)`;
/** Hours that may be summed up already lose what is deleted. */
const noteChanges = changesSql({ records: "record", join: "", sign: "-" });
const deleteRows = statement(
  "history.delete.rows",
  `with record as (
     delete from history.record
      where request_id = any($1::bigint[]) and request_id between $2 and $3 and ${ownedBy}
     returning request_id, account_id, key_id, shape_id, status, ${summedColumns}
   ), payload as (
     delete from history.payload
      where request_id = any($1::bigint[]) and request_id between $2 and $3
        and request_id in (select request_id from record)
   ), unfinished as (
     delete from history.unfinished where request_id = any($1::bigint[]) and ${ownedBy} returning request_id
   ), changed as (${noteChanges}
   ), gone as (
     select request_id from record union select request_id from unfinished
   ), said as (
     delete from history.request
      where request_id = any($1::bigint[]) and request_id between $2 and $3
        and request_id in (select request_id from gone)
   ), labels as (
     delete from history.label
      where request_id = any($1::bigint[]) and request_id between $2 and $3
        and request_id in (select request_id from gone)
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

const findTombstone = statement(
  "history.delete.buried",
  `select 1 as found from history.tombstone
    where request_id = $1 and account_id in (0, $2) and key_id in (0, $3) and user_id in ('', $4) limit 1`,
  { idempotent: true },
);

/** Whether an owner has deleted a request: nobody else is told. */
export async function isBuried(db: Writer, id: bigint, { accountId, keyId, userId }: Owned): Promise<boolean> {
  return (await db.query(findTombstone, [id, accountId, keyId, userId])).length > 0;
}
