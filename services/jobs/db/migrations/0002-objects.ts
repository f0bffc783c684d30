import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Objects: the bytes of files and of results. */
export const objects: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // state: 1 it is being written, 2 it is whole, 3 it is to be removed. place: what keeps the bytes, without credentials.
  // upload_id: of a bucket, the upload in parts.
  `create table jobs.object (
    object_id bigint primary key,
    account_id bigint not null,
    place text not null,
    content_type text not null,
    bytes bigint not null default 0,
    state smallint not null default 1 check (state between 1 and 3),
    upload_id text not null default '',
    sha256 bytea,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    expires_at timestamptz
  )`,
  "create index object_unfinished on jobs.object (state, touched_at) where state <> 2",
  "create index object_expires on jobs.object (expires_at) where expires_at is not null",
  // A piece has 1 MiB but for the last. Of an object in a bucket: pieces that are no part yet.
  `create table jobs.object_piece (
    object_id bigint not null references jobs.object on delete cascade,
    piece integer not null,
    data bytea not null,
    primary key (object_id, piece)
  )`,
  // Compressed pieces would be read whole for each range of them.
  "alter table jobs.object_piece alter column data set storage external",
  `create table jobs.object_part (
    object_id bigint not null references jobs.object on delete cascade,
    number integer not null,
    tag text not null,
    primary key (object_id, number)
  )`,
  `create table jobs.object_total (
    account_id bigint primary key,
    bytes bigint not null
  ) with (fillfactor = 50)`,
];
