import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";
import { requestIdEpochMs } from "../../../../shared/request-id.ts";
import { putRecords } from "./0002-functions.ts";

const statements = [
  // Sums of an hour, for accounts with many requests in it, and for all accounts together under account 0. buckets and
  // counts are the latencies (domain/latency.ts), in ascending order of buckets.
  `create table history.usage_hour (
     account_id bigint not null,
     key_id bigint not null,
     requests bigint not null,
     input_tokens bigint not null,
     output_tokens bigint not null,
     billed_nano_usd bigint not null,
     hour integer not null,
     shape_id integer not null,
     status smallint not null,
     buckets smallint[] not null,
     counts integer[] not null,
     primary key (account_id, hour, key_id, shape_id, status)
   )`,
  // closing_below: records of lower IDs that are stored from now on are late. summed_below: hours up to there are summed.
  `create table history.usage_state (
     only_row boolean primary key default true check (only_row),
     closing_below bigint not null,
     summed_below bigint not null
   )`,
  "insert into history.usage_state (closing_below, summed_below) values (0, 0)",
  // Hours in which records were stored after they were closed, and how many batches did so: to be summed anew.
  "create table history.usage_late (hour integer primary key, batches integer not null)",
];

/** Part of putRecords: notes the hours that were closed before some of these records were stored. */
export const noteLate = `, late as (
      insert into history.usage_late as known (hour, batches)
      select distinct (((kept.request_id >> 22) + ${requestIdEpochMs}) / 3600000)::integer, 1
        from kept, history.usage_state s where kept.request_id < s.closing_below order by 1
      on conflict (hour) do update set batches = known.batches + 1
    )`;

export const createUsage: Migration = {
  async up(db) {
    for (const statement of [...statements, putRecords({ alsoOnStored: noteLate })])
      await sql.raw(statement).execute(db);
  },
};
