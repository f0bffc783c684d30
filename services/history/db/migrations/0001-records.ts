import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";
import { recordColumns } from "../record-row.ts";

const tables = [
  // What many records share, once: see domain/terms.ts. The digest stands for the value, which may be longer than an
  // index takes.
  `create table history.term (
     id integer generated always as identity primary key,
     digest bytea not null unique,
     value jsonb not null
   )`,

  // The record of a request that has ended. Insert-only but for two rare cases (a reconstructed record gives way, a client
  // deletes), so rows lie packed in the order of their time. NULL stands for 0 or empty wherever most rows have it, and costs
  // nothing. stored: its place in the order in which the ends of requests were stored, one number a batch.
  `create table history.record (
     stored bigint not null,
     ${recordColumns.map(({ name, definition }) => `${name} ${definition}`).join(",\n     ")},
     primary key (request_id)
   ) partition by range (request_id)`,
  "create sequence history.stored_seq",
  "create index record_stored on history.record (stored)",
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

  // Deletions of more than one partition, announced and not yet done: when they were found, and when they last went on.
  `create table history.retention_hold (
     partitioned text primary key,
     since_ms bigint not null,
     stepped_ms bigint not null
   )`,
];

/** Whose records: columns of the index, and what its rows must be beside. */
const owners = [
  { name: "account", columns: "account_id, request_id", also: "" },
  { name: "key", columns: "account_id, key_id, request_id", also: "" },
  { name: "user", columns: "account_id, user_id, request_id", also: " and user_id is not null" },
];
const states = [
  { name: "succeeded", status: 4 },
  { name: "failed", status: 5 },
];
/** Bit 2 of flags: an application's back end called. */
const callers = [
  { name: "server", condition: "(flags & 2) <> 0" },
  { name: "direct", condition: "(flags & 2) = 0" },
];

/**
 * Each index is in quarters by status and caller, which together cost what one whole index would: each row stands in one.
 * So the walk through any of them is plain however rare it is. A filter on the caller passed over 2.5 million records of
 * its owner for an empty page where indexes were in halves by status.
 */
const ownerIndexes = owners.flatMap((owner) =>
  states.flatMap((state) =>
    callers.map(
      (caller) =>
        `create index record_${owner.name}_${state.name}_${caller.name} on history.record (${owner.columns})
          where status = ${state.status} and ${caller.condition}${owner.also}`,
    ),
  ),
);

/** Records, payloads, and what is kept beside them. */
export const createRecords: Migration = {
  async up(db) {
    for (const statement of [...tables, ...ownerIndexes]) await sql.raw(statement).execute(db);
  },
};
