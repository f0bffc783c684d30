import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Columns of history.record in the order of the function's parameters, each with the type it travels as. */
const columns =
  `request_id bigint, account_id bigint, key_id bigint, updated_us bigint, attempt_id bigint, duration_us bigint,
  first_byte_us bigint, reserved_nano_usd bigint, billed_nano_usd bigint, input_tokens bigint, output_tokens bigint,
  cached_input_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, images bigint, audio_ms bigint,
  characters bigint, upstream_hash bigint, shape_id integer, outcome_id integer, payload_bytes integer, created_us integer,
  status integer, flags integer, user_id text, requested_model text, error_message text`
    .split(",")
    .map((column) => column.trim().split(" ") as [name: string, type: string]);

const names = columns.map(([name]) => name);
const list = names.join(", ");
const rowParameters = columns.map(([name, type]) => `p_${name} ${type}[]`).join(", ");
const replaced = names.filter((name) => name !== "request_id").map((name) => `${name} = excluded.${name}`);
const given = [...names, "body"];

/** Who deletes waits once for the batches that run: see the migration of the functions. */
const lock = "perform pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0));";

/**
 * Which of the given IDs their owner has deleted; from now on that is known for sure. The IDs ascend, so one look at the
 * index tells whether there is anything to find between the first and the last: nearly always there is not.
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

/** Notes the hours that were closed before some of these records were stored. 1562889600000: the epoch of request IDs. */
const noteLate = `
          insert into history.usage_late as known (hour, batches)
          select distinct (((kept.request_id >> 22) + 1562889600000) / 3600000)::integer, 1
            from kept, history.usage_state s where kept.request_id < s.closing_below order by 1
          on conflict (hour) do update set batches = known.batches + 1`;

/** Stores a batch; what it promises is said with the function's first version. */
const putRecords = `
  create or replace function history.put_records(${rowParameters}, p_body bytea[]) returns integer language plpgsql as $$
  declare
    deleted bigint[];
    stored integer;
  begin
    ${lock}
    ${findDeleted}
    if cardinality(deleted) = 0 then
      begin
        -- unnest in the list of a select gives row by row what unnest in its FROM would first put aside.
        with kept as (
          insert into history.record (${list})
          select ${names.map((name) => `unnest(p_${name})`).join(", ")}
          returning request_id
        ), payload as (
          insert into history.payload (request_id, body)
          select request_id, body from (select unnest(p_request_id) as request_id, unnest(p_body) as body) as t
           where body is not null
        ), ended as (${endUnfinished}
        ), late as (${noteLate}
        )
        select count(*) into stored from kept;
        return stored;
      exception when unique_violation then
        -- Nothing of the block remains; what follows stores the batch whole.
        stored := null;
      end;
    end if;
    with item as (
      select * from unnest(${given.map((name) => `p_${name}`).join(", ")}) as t(${given.join(", ")})
       where request_id <> all(deleted)
    ), kept as (
      insert into history.record as old (${list})
      select ${list} from item
      on conflict (request_id) do update set ${replaced.join(", ")}
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
    select count(*) into stored from kept;
    return stored;
  end $$`;

/** Stores a batch of records of requests that run. An earlier state never replaces a later one. */
const putUnfinished = `
  create or replace function history.put_unfinished(
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

/**
 * Of 58 us of the server's CPU a record (batches of 512, 300,000 records) the look for tombstones took 16, whose plan
 * sorted the list of IDs anew for each of them, and putting the rows of unnest aside 6.
 */
export const putPlainer: Migration = {
  async up(db) {
    await sql.raw(putRecords).execute(db);
    await sql.raw(putUnfinished).execute(db);
  },
};
