import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Columns of history.record in the order of the function's parameters, with the type they travel as. */
const columns = [
  ["request_id", "bigint"],
  ["account_id", "bigint"],
  ["key_id", "bigint"],
  ["updated_us", "bigint"],
  ["attempt_id", "bigint"],
  ["duration_us", "bigint"],
  ["first_byte_us", "bigint"],
  ["reserved_nano_usd", "bigint"],
  ["billed_nano_usd", "bigint"],
  ["input_tokens", "bigint"],
  ["output_tokens", "bigint"],
  ["cached_input_tokens", "bigint"],
  ["cache_write_tokens", "bigint"],
  ["reasoning_tokens", "bigint"],
  ["images", "bigint"],
  ["audio_ms", "bigint"],
  ["characters", "bigint"],
  ["upstream_hash", "bigint"],
  ["shape_id", "integer"],
  ["outcome_id", "integer"],
  ["payload_bytes", "integer"],
  ["created_us", "integer"],
  ["status", "integer"],
  ["flags", "integer"],
  ["user_id", "text"],
  ["requested_model", "text"],
  ["error_message", "text"],
] as const;

const names = columns.map(([name]) => name);
const parameters = [...columns, ["body", "bytea"] as const].map(([name, type]) => `p_${name} ${type}[]`);
const given = [...names, "body"];
const replaced = names.filter((name) => name !== "request_id").map((name) => `${name} = excluded.${name}`);

/**
 * Who deletes waits once for the batches that run (an exclusive lock for a moment), so that a batch which began before
 * the tombstones were visible has ended before the rows are deleted. Inside a function each statement sees what was
 * committed before it began, which one statement that also takes the lock would not.
 */
const lock = "perform pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0));";

/** Which of the given ids their owner has deleted; from now on that is known for sure. */
const findDeleted = `
  deleted := array(
    select i.request_id
      from unnest(p_request_id, p_account_id, p_key_id, p_user_id) as i(request_id, account_id, key_id, user_id)
      join history.tombstone t on t.request_id = i.request_id
     where t.request_id = any(p_request_id)
       and (t.confirmed
        or (t.account_id in (0, i.account_id)
            and t.key_id in (0, i.key_id)
            and t.user_id in ('', coalesce(i.user_id, '')))));
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

/**
 * For batches of which nothing is known yet, and that is nearly all of them: plain inserts. To ask for conflicts makes
 * PostgreSQL look each key up twice and keep all rows aside.
 */
const plainWay = (alsoOnStored: string): string => `
    if cardinality(deleted) = 0 then
      begin
        with kept as (
          insert into history.record (${names.join(", ")})
          select ${names.join(", ")} from unnest(${names.map((name) => `p_${name}`).join(", ")}) as t(${names.join(", ")})
          returning request_id
        ), payload as (
          insert into history.payload (request_id, body)
          select request_id, body from unnest(p_request_id, p_body) as t(request_id, body) where body is not null
        ), ended as (${endUnfinished}
        )${alsoOnStored}
        select count(*) into stored from kept;
        return stored;
      exception when unique_violation then
        -- Nothing of the block remains; what follows stores the batch whole.
        stored := null;
      end;
    end if;`;

/**
 * Stores a batch of records of requests that have ended, with their payloads, and ends their unfinished rows. A record
 * that is there is replaced only by a later one: the gateway's own after a reconstructed one (bit 2 of flags), else a
 * younger one of the same kind. Gives the number of records that were new or replaced. The ids of a batch are distinct
 * and in ascending order, so that batches never wait for each other in a circle. `alsoOnStored`: further parts of the
 * statement (`, name as (...)`), which may read `kept`; `triesPlain`: whether the plain way goes first. Later migrations
 * add theirs.
 */
export const putRecords = ({ alsoOnStored = "", triesPlain = false } = {}): string => `
  create or replace function history.put_records(${parameters.join(", ")}) returns integer language plpgsql as $$
  declare
    deleted bigint[];
    stored integer;
  begin
    ${lock}
    ${findDeleted}${triesPlain ? plainWay(alsoOnStored) : ""}
    with item as (
      select * from unnest(${given.map((name) => `p_${name}`).join(", ")}) as t(${given.join(", ")})
       where request_id <> all(deleted)
    ), kept as (
      insert into history.record as old (${names.join(", ")})
      select ${names.join(", ")} from item
      on conflict (request_id) do update set ${replaced.join(", ")}
       where (old.flags & 4) > (excluded.flags & 4)
          or ((old.flags & 4) = (excluded.flags & 4) and old.updated_us < excluded.updated_us)
      returning request_id
    ), payload as (
      insert into history.payload (request_id, body)
      select request_id, body from item join kept using (request_id) where body is not null
      on conflict (request_id) do update set body = excluded.body
    ), ended as (${endUnfinished}
    )${alsoOnStored}
    select count(*) into stored from kept;
    return stored;
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
    select request_id, account_id, key_id, updated_us, shape_id, created_us, status, from_appserver, user_id, body
      from unnest(p_request_id, p_account_id, p_key_id, p_updated_us, p_shape_id, p_created_us, p_status, p_from_appserver, p_user_id, p_body)
        as t(request_id, account_id, key_id, updated_us, shape_id, created_us, status, from_appserver, user_id, body)
     where request_id <> all(deleted)
    on conflict (request_id) do update set
      account_id = excluded.account_id, key_id = excluded.key_id, updated_us = excluded.updated_us,
      shape_id = excluded.shape_id,      status = excluded.status, from_appserver = excluded.from_appserver, user_id = excluded.user_id,
      body = excluded.body
     where (old.status, old.updated_us) < (excluded.status, excluded.updated_us);
    get diagnostics stored = row_count;
    return stored;
  end $$`;

export const createFunctions: Migration = {
  async up(db) {
    await sql.raw(putRecords()).execute(db);
    await sql.raw(putUnfinished).execute(db);
  },
};
