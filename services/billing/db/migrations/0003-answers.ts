import { statements } from "./statements.ts";

/** Idempotency-Keys, stored answers, and where the jobs of replicas have got to. */
export const createAnswers = statements(
  // Which request answers for an Idempotency-Key. locked_until bridges the time between a settlement and the stored
  // answer: until then a repeat waits rather than runs anew.
  `create table billing.idempotency (
     account_id bigint not null,
     key_hash bytea not null,
     digest bytea not null,
     request_id bigint not null unique,
     created_at timestamptz not null,
     locked_until timestamptz not null,
     answered boolean not null default false,
     primary key (account_id, key_hash)
   ) with (fillfactor = 80)`,
  "create index idempotency_created on billing.idempotency (created_at)",
  // Answers may be megabytes: a day's partition is dropped, never deleted row by row. day counts from 1970-01-01, UTC.
  `create table billing.answer (
     request_id bigint not null,
     day integer not null,
     account_id bigint not null,
     http_status integer not null,
     content_type text not null,
     body bytea not null,
     created_at timestamptz not null,
     primary key (request_id, day)
   ) partition by list (day)`,
  // With the owner's rights, for the service's role may neither create tables nor drop them.
  `create function billing.roll_answers(p_keep_from timestamptz) returns void
   language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
   declare
     v_today integer := billing.day_of(clock_timestamp());
     v_day integer;
     v_name text;
   begin
     perform pg_advisory_xact_lock(hashtextextended('billing answer partitions', 0));
     for v_day in v_today .. v_today + 2 loop
       v_name := 'answer_d' || v_day;
       if to_regclass('billing.' || v_name) is null then
         execute format('create table billing.%I partition of billing.answer for values in (%s)', v_name, v_day);
       end if;
     end loop;
     for v_name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'billing.answer'::regclass
         and substr(c.relname, 9)::integer < billing.day_of(p_keep_from)
     loop
       execute format('drop table billing.%I', v_name);
     end loop;
   end $$`,
  "revoke execute on function billing.roll_answers(timestamptz) from public",
  "grant execute on function billing.roll_answers(timestamptz) to throughline_billing",
  "select billing.roll_answers(now())",
  // Where a job of a replica has got to, and who runs it until when.
  `create table billing.job (
     name text primary key,
     position timestamptz not null,
     holder text not null,
     held_until timestamptz not null
   )`,
  // No entry is older than this, so none is missed.
  "insert into billing.job values ('reconcile', clock_timestamp(), '', clock_timestamp())",
  "grant select, insert, update, delete on billing.idempotency, billing.answer, billing.job to throughline_billing",
);
