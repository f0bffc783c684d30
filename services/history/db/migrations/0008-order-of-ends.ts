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

const statements = [
  // The place of a record among those that have ended, in the order in which they were stored: one number a batch. 0: it was
  // stored before there was this order.
  "create sequence history.stored_seq",
  "alter table history.record add column stored bigint not null default 0",
  "create index record_stored on history.record (stored) where stored > 0",
  "create index record_unordered on history.record (request_id) where stored = 0",
  // What has changed in hours that are summed up already, to be added to their sums; for the account, and for all together
  // under account 0.
  `create table history.usage_change (
     account_id bigint not null,
     key_id bigint not null,
     requests bigint not null,
     input_tokens bigint not null,
     output_tokens bigint not null,
     billed_nano_usd bigint not null,
     hour integer not null,
     shape_id integer not null,
     status smallint not null,
     bucket smallint not null
   )`,
  "create index usage_change_account on history.usage_change (account_id, hour)",
  "create index usage_change_hour on history.usage_change (hour)",
];

/** Batches share this lock. Who needs those ended that began before it waits for it alone, for a moment. */
const lock = "perform pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0));";

/** As in the fifth migration. */
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

/** As in the fifth migration. */
const endUnfinished = `
          delete from history.unfinished u
           using (select request_id from history.unfinished where request_id = any(p_request_id)
                   order by request_id for update) as locked
           where u.request_id = locked.request_id`;

/** 1562889600000: the epoch of request IDs. */
const hourOf = (id: string): string => `(((${id} >> 22) + 1562889600000) / 3600000)::integer`;
/** No sum may be too large for its column: the batch would be refused. */
const total = (sum: string): string => `least(coalesce(sum(${sum}), 0), 9223372036854775807)::bigint`;

/** Adds new records to the hours that were closed before. 25 buckets a power of e, as in domain/latency.ts. */
const noteChanges = `
          insert into history.usage_change (account_id, key_id, requests, input_tokens, output_tokens, billed_nano_usd,
            hour, shape_id, status, bucket)
          select whose.account_id, case when whose.account_id = 0 then 0 else kept.key_id end, count(*),
            ${total("coalesce(input_tokens, 0)::numeric + coalesce(cached_input_tokens, 0) + coalesce(cache_write_tokens, 0)")},
            ${total("coalesce(output_tokens, 0)::numeric + coalesce(reasoning_tokens, 0)")},
            ${total("coalesce(billed_nano_usd, 0)")},
            ${hourOf("kept.request_id")}, kept.shape_id, kept.status,
            floor(ln(greatest(coalesce(kept.duration_us, 1), 1)::float8) * 25)::smallint
          from kept
          join history.usage_state s on kept.request_id < s.closing_below
          cross join lateral (values (kept.account_id), (0)) as whose(account_id)
          group by 1, 2, 7, 8, 9, 10`;

/** Where a record was replaced its former values are not known: such an hour is summed anew. */
const noteLate = `
          insert into history.usage_late as known (hour, batches)
          select distinct ${hourOf("kept.request_id")}, 1
            from kept, history.usage_state s where kept.request_id < s.closing_below order by 1
          on conflict (hour) do update set batches = known.batches + 1`;

/** Stores a batch; what it promises is said with the function's first version. */
const putRecords = `
  create or replace function history.put_records(${rowParameters}, p_body bytea[]) returns integer language plpgsql as $$
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
        with kept as (
          insert into history.record (${list}, stored)
          select ${names.map((name) => `unnest(p_${name})`).join(", ")}, place
          returning request_id, account_id, key_id, shape_id, status, duration_us, input_tokens, cached_input_tokens,
            cache_write_tokens, output_tokens, reasoning_tokens, billed_nano_usd
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
      insert into history.record as old (${list}, stored)
      select ${list}, place from item
      on conflict (request_id) do update set ${replaced.join(", ")}, stored = excluded.stored
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

/**
 * Records have a place in the order of their ends, by which an export goes on where it ended and misses none. And hours
 * that are summed up stay so: what comes late or is deleted is added to their sums, for the account that it concerns and
 * for all together, where a deletion of a thousand records in a thousand hours had everybody's sums read from the records
 * for twenty minutes.
 */
export const orderEnds: Migration = {
  async up(db) {
    for (const statement of [...statements, putRecords]) await sql.raw(statement).execute(db);
  },
};
