import { priceColumns, usageColumns } from "../columns.ts";
import { statements } from "./statements.ts";

/**
 * Request IDs that start 30 days apart bound the ledger's partitions: 22 bits below the millisecond. The epoch is that
 * of request IDs, 2019-07-12T00:00:00Z.
 */
const partitionWidth = `(30::bigint * 86400000 << 22)`;

/** Tariffs, reservations, the ledger and its credits. */
export const createLedger = statements(
  // What entries have in common, once: a row per combination of work, place and price, not one per request.
  `create table billing.tariff (
     tariff_id integer generated always as identity primary key,
     hash bytea not null unique check (octet_length(hash) = 32),
     module text not null,
     model text not null,
     dialect text not null,
     group_name text not null,
     channel text not null,
     platform text not null,
     strategy text not null,
     price_source smallint not null,
     ${priceColumns.map((column) => `${column} bigint not null`).join(", ")},
     group_ratio_ppm bigint not null,
     rates jsonb
   )`,
  // slots: how many of the account's concurrent requests it is; work that nobody waits for is none. jobs: how many of
  // its concurrent jobs.
  // Open ones only: a settlement or the sweeper deletes the row as it enters the ledger. Vacuumed early, for the table
  // turns over many times a minute.
  `create table billing.reservation (
     request_id bigint primary key,
     account_id bigint not null,
     key_id bigint not null,
     amount billing.not_negative not null,
     expires_at timestamptz not null,
     created_at timestamptz not null,
     tariff_id integer not null,
     idempotent boolean not null,
     user_id text,
     slots smallint not null default 1,
     jobs smallint not null default 0
   ) with (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
           autovacuum_vacuum_insert_threshold = -1)`,
  "create index reservation_expires on billing.reservation (expires_at)",
  // seq numbers the entries of an account without a gap and balance_after is its balance after each: any entry that is
  // altered, missing or slipped in shows.
  `create table billing.ledger (
     entry_id bigint not null,
     account_id bigint not null,
     seq bigint not null,
     amount bigint not null,
     reserved bigint not null,
     balance_after bigint not null,
     created_at timestamptz not null,
     key_id bigint,
     tariff_id integer,
     kind smallint not null check (kind in (1, 2, 3, 4)),
     estimated boolean not null,
     ${usageColumns.map((column) => `${column} bigint`).join(", ")},
     reason text not null,
     actor text,
     user_id text,
     error_code text,
     reference text,
     more jsonb,
     traits jsonb,
     primary key (entry_id, kind),
     check (case kind when 1 then amount <= 0 when 2 then amount = 0 when 3 then amount > 0 else amount <> 0 end)
   ) partition by range (entry_id)`,
  "create index ledger_account on billing.ledger (account_id, created_at)",
  // Entries arrive in the order of their time, so a few bytes per megabyte find any span of it.
  "create index ledger_created on billing.ledger using brin (created_at) with (pages_per_range = 32, autosummarize = on)",
  `create table billing.credit_reference (
     account_id bigint not null,
     reference text not null,
     entry_id bigint not null,
     kind smallint not null,
     primary key (account_id, reference)
   )`,
  "create sequence billing.credit_sequence",

  // ---- append-only, whoever tries: the service's role lacks the rights, and the owner meets the triggers.
  `create function billing.refuse_change() returns trigger language plpgsql as $$
   begin
     raise exception 'the ledger is append-only: % on % is refused', tg_op, tg_table_name
       using errcode = 'restrict_violation', hint = 'Enter an adjustment instead.';
   end $$`,
  `create trigger append_only before update or delete on billing.ledger
     for each row execute function billing.refuse_change()`,
  `create trigger append_only_truncate before truncate on billing.ledger
     for each statement execute function billing.refuse_change()`,
  // TRUNCATE of a partition does not reach the parent's trigger, so each partition bears its own.
  `create function billing.add_ledger_partition(p_name text, p_bounds text) returns void language plpgsql as $$
   begin
     execute format('create table billing.%I partition of billing.ledger %s', p_name, p_bounds);
     execute format('create trigger append_only_truncate before truncate on billing.%I
       for each statement execute function billing.refuse_change()', p_name);
   end $$`,
  // With the owner's rights, so that the service's role can call it though it may not create tables.
  `create function billing.ensure_ledger_partitions(p_from_ms bigint, p_to_ms bigint) returns integer
   language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
   declare
     v_width constant bigint := ${partitionWidth};
     v_epoch constant bigint := 1562889600000;
     v_index bigint;
     v_name text;
     v_made integer := 0;
   begin
     perform pg_advisory_xact_lock(hashtextextended('billing ledger partitions', 0));
     for v_index in greatest(0, ((p_from_ms - v_epoch) << 22) / v_width)
                 .. least((9223372036854775807 / v_width) - 1, ((p_to_ms - v_epoch) << 22) / v_width) loop
       v_name := format('ledger_p%s', lpad(v_index::text, 4, '0'));
       if to_regclass('billing.' || v_name) is not null then
         continue;
       end if;
       -- Entries of a clock astray stay where they are, and so do those that follow them.
       if not exists (select from billing.ledger_default
                      where entry_id >= v_index * v_width and entry_id < (v_index + 1) * v_width) then
         perform billing.add_ledger_partition(v_name,
           format('for values from (%s) to (%s)', v_index * v_width, (v_index + 1) * v_width));
         v_made := v_made + 1;
       end if;
     end loop;
     return v_made;
   end $$`,
  "revoke execute on function billing.ensure_ledger_partitions(bigint, bigint) from public",
  "revoke execute on function billing.add_ledger_partition(text, text) from public",
  // IDs whose time lies outside the partitions (a clock astray) are charged all the same.
  "select billing.add_ledger_partition('ledger_default', 'default')",
  `select billing.ensure_ledger_partitions((extract(epoch from now()) * 1000)::bigint - 2592000000,
                                           (extract(epoch from now()) * 1000)::bigint + 3 * 2592000000)`,

  "grant execute on function billing.ensure_ledger_partitions(bigint, bigint) to throughline_billing",
  "grant select, insert on billing.ledger, billing.tariff, billing.credit_reference to throughline_billing",
  "grant select, insert, update, delete on billing.reservation to throughline_billing",
  "grant usage on sequence billing.credit_sequence to throughline_billing",
);
