import { statement } from "../../../shared/db/index.ts";
import type { Owner } from "./jobs.ts";
import type { JobsDatabase } from "./open.ts";

/** A file as its row and its object's hold it. */
export interface FileRow {
  readonly file_id: bigint;
  readonly account_id: bigint;
  readonly key_id: bigint;
  readonly user_id: string;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: bigint;
  readonly content_type: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
}

const columns = `f.file_id, f.account_id, f.key_id, f.user_id, f.filename, f.purpose, o.bytes, o.content_type,
  o.created_at, o.expires_at`;

/** A file whose object is not whole, or whose time is over, is not there. */
const there = `jobs.file f join jobs.object o on o.object_id = f.file_id and o.state = 2
  and (o.expires_at is null or o.expires_at > now())`;
const owned = "f.account_id = $1 and ($2::bigint = 0 or f.key_id = $2) and ($3 = '' or f.user_id = $3)";

const insert = statement(
  "jobs_file_insert",
  `insert into jobs.file (file_id, account_id, key_id, user_id, filename, purpose) values ($1, $2, $3, $4, $5, $6)
   on conflict (file_id) do nothing`,
  { idempotent: true },
);

/** Names an object that has begun: it is a file as soon as it is whole. */
export async function insertFile(
  db: JobsDatabase,
  file: Pick<FileRow, "file_id" | "account_id" | "key_id" | "user_id" | "filename" | "purpose">,
): Promise<void> {
  await db.query(insert, [file.file_id, file.account_id, file.key_id, file.user_id, file.filename, file.purpose]);
}

const read = statement("jobs_file_read", `select ${columns} from ${there} where f.file_id = $4 and ${owned}`, {
  idempotent: true,
});

/** One file of an owner. */
export async function readFile(db: JobsDatabase, owner: Owner, fileId: bigint): Promise<FileRow | undefined> {
  const [row] = await db.query<FileRow>(read, [owner.accountId, owner.keyId, owner.userId, fileId]);
  return row;
}

const page = (direction: "asc" | "desc") =>
  statement(
    `jobs_file_page_${direction}`,
    `select ${columns} from ${there} where ${owned} and ($4 = '' or f.purpose = $4)
       and f.file_id ${direction === "asc" ? ">" : "<"} $5
     order by f.account_id ${direction}, f.file_id ${direction} limit $6`,
    { idempotent: true },
  );
const ascending = page("asc");
const descending = page("desc");
const last = 9_223_372_036_854_775_807n;

/** Files of an owner, behind `after` in the order of the list; 0: from its start. Empty `purpose`: any. */
export function readFiles(
  db: JobsDatabase,
  owner: Owner,
  { purpose, after, limit, oldestFirst }: { purpose: string; after: bigint; limit: number; oldestFirst: boolean },
): Promise<FileRow[]> {
  const from = after === 0n && !oldestFirst ? last : after;
  const values = [owner.accountId, owner.keyId, owner.userId, purpose, from, limit];
  return db.query<FileRow>(oldestFirst ? ascending : descending, values);
}
