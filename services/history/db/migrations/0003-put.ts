import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";
import { recordColumns } from "../record-row.ts";
import { changesSql, hourSql, summedColumns } from "../usage-sql.ts";

const names = recordColumns.map(({ name }) => name);
const list = names.join(", ");
const parameters = recordColumns.map(({ name, sent }) => `p_${name} ${sent}[]`).join(", ");
const given = [...names, "body"];
const replaced = names.filter((name) => name !== "request_id").map((name) => `${name} = excluded.${name}`);

/**
 * Batches share this lock. Who deletes waits for it alone, for a moment, so that a batch which began before the tombstones
 * were visible has ended before the rows are deleted. Inside a function each statement sees what was committed before it
 * began, which one statement that also takes the lock would not.
 */
const lock = "perform pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0));";

/**
 * Which of the given IDs their owner has deleted; from now on that is known for sure. The IDs ascend, so one look at the
 * index tells whether there is anything to find between the first and the last: nearly always there is not. (Looked up one
 * by one they took 16 of the server's 58 us a record.)
 */
const findDeleted = `
    deleted := '{}';
    if exists (select from history.tombstone
                where request_id between p_request_id[1] and p_request_id[cardinality(p_request_id)]) then
      deleted := array(
        select i.request_id
          from unnest(p_request_id, p_account_id, p_key_id, p_user_id) as i(request_id, account_id, key_id, user_id)
          join history.tombstone t on t.request_id = i.request_id
         where t.confirmed
            or (t.account_id in (0, i.account_id)
                and t.key_id in (0, i.key_id)
                and t.user_id in ('', coalesce(i.user_id, ''))));
    end if;
    if cardinality(deleted) > 0 then
      update history.tombstone set confirmed = true where request_id = any(deleted) and not confirmed;
      delete from history.unfinished where request_id = any(deleted);
    end if;`;

/** Ends the unfinished rows of a batch. Locked in order too: a batch of running ones may be on its way through the same rows. */
const endUnfinished = `
          delete from history.unfinished u
           using (select request_id from history.unfinished where request_id = any(p_request_id)
                   order by request_id for update) as locked
           where u.request_id = locked.request_id`;

/** Adds new records to the hours that were closed before. */
const noteChanges = changesSql({
  records: "kept",
  join: "join history.usage_state s on kept.request_id < s.closing_below",
  sign: "",
});

/** Where a record was replaced its former values are not known: such an hour is summed anew. */
const noteLate = `
          insert into history.usage_late as known (hour, batches)
          select distinct ${hourSql("kept.request_id")}, 1
            from kept, history.usage_state s where kept.request_id < s.closing_below order by 1
          on conflict (hour) do update set batches = known.batches + 1`;

/**
 * Stores a batch of records of requests that have ended, with their payloads, and ends their unfinished rows. A record
 * that is there is replaced only by a later one: the gateway's own after a reconstructed one (bit 2 of flags), else a
 * younger one of the same kind. Gives the number of records that were new or replaced. The IDs of a batch are distinct
 * and in ascending order, so that batches never wait for each other in a circle.
 *
 * Nearly always nothing of a batch is known yet, so plain inserts go first: to ask for conflicts makes PostgreSQL look each
 * key up twice and keep all rows aside, for 15 to 20 % more of its CPU.
 */
export const putRecords = `
  create or replace function history.put_records(${parameters}, p_body bytea[]) returns integer language plpgsql as $$
  declare
    deleted bigint[];
    place bigint;
    new_count integer;
  begin
    ${lock}
    -- Behind the lock: who has waited for it alone knows that all up to the number of before are there.
    place := nextval('history.stored_seq');
    ${findDeleted}
    if cardinality(deleted) = 0 then
      begin
        -- unnest in the list of a select gives row by row what unnest in its FROM would first put aside.
        with kept as (
          insert into history.record (stored, ${list})
          select place, ${names.map((name) => `unnest(p_${name})`).join(", ")}
          returning request_id, account_id, key_id, shape_id, status, ${summedColumns}
        ), payload as (
          insert into history.payload (request_id, body)
          select request_id, body from (select unnest(p_request_id) as request_id, unnest(p_body) as body) as t
           where body is not null
        ), ended as (${endUnfinished}
        ), changed as (${noteChanges}
        )
        select count(*) into new_count from kept;
        return new_count;
      exception when unique_violation then
        -- Nothing of the block remains; what follows stores the batch whole.
        new_count := null;
      end;
    end if;
    with item as (
      select * from unnest(${given.map((name) => `p_${name}`).join(", ")}) as t(${given.join(", ")})
       where request_id <> all(deleted)
    ), kept as (
      insert into history.record as old (stored, ${list})
      select place, ${list} from item
      on conflict (request_id) do update set stored = excluded.stored, ${replaced.join(", ")}
       where (old.flags & 4) > (excluded.flags & 4)
          or ((old.flags & 4) = (excluded.flags & 4) and old.updated_us < excluded.updated_us)
      returning request_id
    ), payload as (
      insert into history.payload (request_id, body)
      select request_id, body from item join kept using (request_id) where body is not null
      on conflict (request_id) do update set body = excluded.body
    ), ended as (${endUnfinished}
    ), late as (${noteLate}
    )
    select count(*) into new_count from kept;
    return new_count;
  end $$`;

/** Stores a batch of records of requests that run. An earlier state never replaces a later one. */
const putUnfinished = `
  create function history.put_unfinished(
    p_request_id bigint[], p_account_id bigint[], p_key_id bigint[], p_updated_us bigint[], p_shape_id integer[],
    p_created_us integer[], p_status integer[], p_from_appserver boolean[], p_user_id text[], p_body bytea[]
  ) returns integer language plpgsql as $$
  declare
    deleted bigint[];
    stored integer;
  begin
    ${lock}
    ${findDeleted}
    insert into history.unfinished as old
      (request_id, account_id, key_id, updated_us, shape_id, created_us, status, from_appserver, user_id, body)
    select * from unnest(p_request_id, p_account_id, p_key_id, p_updated_us, p_shape_id, p_created_us, p_status,
                         p_from_appserver, p_user_id, p_body) as t(request_id)
     where request_id <> all(deleted)
    on conflict (request_id) do update set
      account_id = excluded.account_id, key_id = excluded.key_id, updated_us = excluded.updated_us,
      shape_id = excluded.shape_id, status = excluded.status, from_appserver = excluded.from_appserver,
      user_id = excluded.user_id, body = excluded.body
     where (old.status, old.updated_us) < (excluded.status, excluded.updated_us);
    get diagnostics stored = row_count;
    return stored;
  end $$`;

/** The two functions that store batches. */
export const createPutFunctions: Migration = {
  async up(db) {
    for (const statement of [putRecords, putUnfinished]) await sql.raw(statement).execute(db);
  },
};
