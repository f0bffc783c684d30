import { statement } from "../../../shared/db/index.ts";
import type { JobsDatabase } from "./open.ts";

const write = statement(
  "jobs_piece_write",
  `insert into jobs.object_piece (object_id, piece, data) values ($1, $2, $3)
   on conflict (object_id, piece) do update set data = excluded.data`,
  { idempotent: true },
);

/** Keeps a piece. */
export async function writePiece(db: JobsDatabase, id: bigint, piece: number, bytes: Uint8Array): Promise<void> {
  await db.query(write, [id, piece, bytes]);
}

const read = statement(
  "jobs_piece_read",
  "select substring(data from $3::integer + 1 for $4::integer) as data from jobs.object_piece where object_id = $1 and piece = $2",
  { idempotent: true },
);

/** Bytes of one piece, from `offset` within it on; none where it has no such. */
export async function readPiece(
  db: JobsDatabase,
  id: bigint,
  piece: number,
  offset: number,
  maxBytes: number,
): Promise<Uint8Array> {
  const [row] = await db.query<{ data: Buffer }>(read, [id, piece, offset, maxBytes]);
  return row?.data ?? new Uint8Array();
}

const several = statement(
  "jobs_pieces_read",
  "select data from jobs.object_piece where object_id = $1 and piece between $2 and $3 order by piece",
  { idempotent: true },
);

/** Some pieces in their order. */
export async function readPieces(db: JobsDatabase, id: bigint, first: number, last: number): Promise<Buffer[]> {
  const rows = await db.query<{ data: Buffer }>(several, [id, first, last]);
  return rows.map(({ data }) => data);
}

const drop = statement(
  "jobs_pieces_drop",
  "delete from jobs.object_piece where object_id = $1 and piece between $2 and $3",
  { idempotent: true },
);

/** Forgets some pieces. */
export async function dropPieces(db: JobsDatabase, id: bigint, first: number, last: number): Promise<void> {
  await db.query(drop, [id, first, last]);
}

const upload = statement(
  "jobs_object_upload",
  `update jobs.object set upload_id = case when upload_id = '' then $2 else upload_id end
   where object_id = $1 returning upload_id`,
  { idempotent: true },
);

/** Notes the upload that an object's parts belong to; gives the one that was noted first. */
export async function noteUpload(db: JobsDatabase, id: bigint, uploadId: string): Promise<string> {
  const [row] = await db.query<{ upload_id: string }>(upload, [id, uploadId]);
  return row?.upload_id ?? "";
}

const part = statement(
  "jobs_part_keep",
  `insert into jobs.object_part (object_id, number, tag) values ($1, $2, $3)
   on conflict (object_id, number) do update set tag = excluded.tag`,
  { idempotent: true },
);

/** The store has a part. */
export async function keepPart(db: JobsDatabase, id: bigint, number: number, tag: string): Promise<void> {
  await db.query(part, [id, number, tag]);
}

const tags = statement("jobs_part_tags", "select tag from jobs.object_part where object_id = $1 order by number", {
  idempotent: true,
});

/** The tags of an object's parts, in their order. */
export async function partTags(db: JobsDatabase, id: bigint): Promise<string[]> {
  const rows = await db.query<{ tag: string }>(tags, [id]);
  return rows.map(({ tag }) => tag);
}
