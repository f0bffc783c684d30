import { statement } from "../../../shared/db/index.ts";
import type { JobsDatabase } from "./open.ts";

/** An object as its row holds it. */
export interface ObjectRow {
  readonly object_id: bigint;
  readonly account_id: bigint;
  /** Name of the place that keeps its bytes. */
  readonly place: string;
  readonly content_type: string;
  readonly bytes: bigint;
  /** One of `objectStates`. */
  readonly state: number;
  /** The bucket's ID of the upload in parts. Empty: none was begun. */
  readonly upload_id: string;
  readonly sha256: Buffer | null;
  readonly created_at: Date;
  /** null: it lives until it is removed. */
  readonly expires_at: Date | null;
}

/** States of an object. */
export const objectStates = { written: 1, whole: 2, dead: 3 } as const;

const columns = "object_id, account_id, place, content_type, bytes, state, upload_id, sha256, created_at, expires_at";

/** What an account's objects take is kept as a sum: what is asked for each piece must not grow with their number. */
const insert = statement(
  "jobs_object_insert",
  `insert into jobs.object (object_id, account_id, place, content_type) values ($1, $2, $3, $4)
   on conflict (object_id) do nothing`,
  { idempotent: true },
);

/** Begins an object. Where there is one of this ID, nothing. */
export async function insertObject(
  db: JobsDatabase,
  object: { readonly id: bigint; readonly accountId: bigint; readonly place: string; readonly contentType: string },
): Promise<void> {
  await db.query(insert, [object.id, object.accountId, object.place, object.contentType.slice(0, 200)]);
}

const grow = statement(
  "jobs_object_grow",
  `with before as (
     select object_id, bytes from jobs.object
      where object_id = $1 and account_id = $2 and state = 1 and bytes >= $3 for update),
   grown as (
     update jobs.object o set bytes = greatest(b.bytes, $3::bigint + $4::bigint), touched_at = now()
       from before b where o.object_id = b.object_id
     returning o.*, greatest(0, $3::bigint + $4::bigint - b.bytes) as more),
   counted as (
     insert into jobs.object_total as t (account_id, bytes) select account_id, more from grown
     on conflict (account_id) do update set bytes = t.bytes + excluded.bytes returning t.bytes)
   select ${columns
     .split(", ")
     .map((name) => `g.${name}`)
     .join(", ")}, c.bytes as account_bytes from grown g, counted c`,
  { idempotent: true },
);

/** A piece is about to be kept. Undefined: the object is not being written, or a piece before this one is missing. */
export async function growObject(
  db: JobsDatabase,
  { id, accountId }: { readonly id: bigint; readonly accountId: bigint },
  offset: number,
  bytes: number,
): Promise<{ readonly row: ObjectRow; readonly accountBytes: number } | undefined> {
  const [row] = await db.query<ObjectRow & { account_bytes: bigint }>(grow, [id, accountId, offset, bytes]);
  return row === undefined ? undefined : { row, accountBytes: Number(row.account_bytes) };
}

const whole = statement(
  "jobs_object_whole",
  `update jobs.object set state = 2, sha256 = $2, touched_at = now(),
     expires_at = case when $3::bigint = 0 then null else created_at + $3::bigint * interval '1 millisecond' end
   where object_id = $1 and state = 1`,
  { idempotent: true },
);

/** It can be read from now on. */
export async function markWhole(db: JobsDatabase, id: bigint, sha256: Uint8Array, lifeMs: number): Promise<void> {
  await db.query(whole, [id, sha256, lifeMs]);
}

const read = statement("jobs_object_read", `select ${columns} from jobs.object where object_id = $1`, {
  idempotent: true,
});

/** One object, whoever's it is. */
export async function readObject(db: JobsDatabase, id: bigint): Promise<ObjectRow | undefined> {
  const [row] = await db.query<ObjectRow>(read, [id]);
  return row;
}

const dead = statement(
  "jobs_object_dead",
  `update jobs.object set state = 3, touched_at = now() where object_id = $1 and account_id = $2 returning ${columns}`,
  { idempotent: true },
);

/** Nobody can read or write it any more. */
export async function markDead(
  db: JobsDatabase,
  { id, accountId }: { readonly id: bigint; readonly accountId: bigint },
): Promise<ObjectRow | undefined> {
  const [row] = await db.query<ObjectRow>(dead, [id, accountId]);
  return row;
}

const drop = statement(
  "jobs_object_drop",
  `with gone as (delete from jobs.object where object_id = $1 returning account_id, bytes)
   update jobs.object_total t set bytes = greatest(0, t.bytes - g.bytes) from gone g where t.account_id = g.account_id`,
);

/** Forgets an object whose bytes are gone. */
export async function dropObject(db: JobsDatabase, id: bigint): Promise<void> {
  await db.query(drop, [id]);
}

const claim = statement(
  "jobs_object_claim",
  `update jobs.object set state = 3, touched_at = now() where object_id in (
     select object_id from (
       (select object_id from jobs.object where state = 3 and touched_at < now() - interval '1 minute' limit $2)
       union all
       (select object_id from jobs.object
         where state = 1 and touched_at < now() - $1 * interval '1 millisecond' limit $2)
       union all
       (select object_id from jobs.object where expires_at < now() and state = 2 limit $2)) d limit $2)
   returning ${columns}`,
);

/** Takes objects that are to be removed. */
export function claimDead(db: JobsDatabase, unfinishedMs: number, limit: number): Promise<ObjectRow[]> {
  return db.query<ObjectRow>(claim, [unfinishedMs, limit]);
}

const total = statement(
  "jobs_object_total",
  "select coalesce(sum(bytes), 0)::bigint as bytes from jobs.object_total where bytes > 0",
  { idempotent: true },
);

/** Bytes of all objects. */
export async function databaseBytes(db: JobsDatabase): Promise<number> {
  const [row] = await db.query<{ bytes: bigint }>(total, []);
  return Number(row?.bytes ?? 0n);
}
