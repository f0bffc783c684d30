import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/**
 * The record of a request that has ended. Insert-only but for two rare cases (a reconstructed record gives way, a client
 * deletes), so rows lie packed in the order of their time. Columns go from wide to narrow: no padding. NULL stands for 0
 * or empty wherever most rows have it, and costs nothing. What many records share is an id of history.term: the shape
 * (model, channel, prices ...) and the outcome (error, reason of the charge ...).
 */
const record = `
  create table history.record (
    request_id bigint not null,
    account_id bigint not null,
    key_id bigint not null,
    updated_us bigint not null,
    attempt_id bigint,
    duration_us bigint,
    first_byte_us bigint,
    reserved_nano_usd bigint,
    billed_nano_usd bigint,
    input_tokens bigint,
    output_tokens bigint,
    cached_input_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    images bigint,
    audio_ms bigint,
    characters bigint,
    upstream_hash bigint,
    shape_id integer not null,
    outcome_id integer not null,
    payload_bytes integer,
    created_us smallint not null,
    status smallint not null check (status in (4, 5)),
    flags smallint not null,
    user_id text collate "C",
    requested_model text,
    error_message text,
    primary key (request_id)
  ) partition by range (request_id)`;

const statements = [
  // What many records share, once: see domain/terms.ts. The digest stands for the value, which may be longer than an
  // index takes.
  `create table history.term (
     id integer generated always as identity primary key,
     digest bytea not null unique,
     value jsonb not null
   )`,
  record,
  // Whose records: an account's, a key's, an end user's. Each index is in two halves by status, which together cost what one
  // whole index would, and keep the walk through either status plain, however rare that status is.
  "create index record_account_succeeded on history.record (account_id, request_id) where status = 4",
  "create index record_account_failed on history.record (account_id, request_id) where status = 5",
  "create index record_key_succeeded on history.record (account_id, key_id, request_id) where status = 4",
  "create index record_key_failed on history.record (account_id, key_id, request_id) where status = 5",
  `create index record_user_succeeded on history.record (account_id, user_id, request_id)
    where status = 4 and user_id is not null`,
  `create index record_user_failed on history.record (account_id, user_id, request_id)
    where status = 5 and user_id is not null`,
  "create index record_upstream on history.record (upstream_hash) where upstream_hash is not null",

  // The answer and the details, compressed by us; a table of their own because their retention is.
  `create table history.payload (
     request_id bigint not null,
     body bytea not null,
     primary key (request_id)
   ) partition by range (request_id)`,
  "alter table history.payload alter column body set storage external",

  // Requests that run: a small table, so that the states before the last one never bloat the large one. A row here
  // counts only while history.record has none of its id.
  `create table history.unfinished (
     request_id bigint primary key,
     account_id bigint not null,
     key_id bigint not null,
     updated_us bigint not null,
     shape_id integer not null,
     created_us smallint not null,
     status smallint not null check (status in (1, 2, 3)),
     from_appserver boolean not null,
     user_id text collate "C",
     body bytea not null
   ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
           autovacuum_vacuum_cost_delay = 0)`,
  "create index unfinished_account on history.unfinished (account_id, request_id)",

  // What an owner deleted: a record of it that comes late must not bring it back. Unconfirmed: the id was unknown when it
  // was deleted (it may be another's), so it counts for this owner's records only.
  `create table history.tombstone (
     request_id bigint not null,
     account_id bigint not null,
     key_id bigint not null,
     user_id text collate "C" not null,
     confirmed boolean not null,
     primary key (request_id, account_id, key_id, user_id)
   )`,
];

export const createTables: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
