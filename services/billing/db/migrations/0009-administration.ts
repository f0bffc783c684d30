import { statements } from "./statements.ts";

/** The trail of administration: who asked for which change, and what became of it. Append-only, whoever tries. */
export const createAdministration = statements(
  `create table billing.administration (
    event_id bigint generated always as identity primary key,
    request_id bigint not null,
    call integer not null,
    procedure text not null check (procedure <> ''),
    actor_key_id bigint not null,
    actor text not null,
    actor_account_id bigint not null,
    address text not null,
    target text not null,
    values_json text not null,
    outcome text not null,
    created_at timestamptz not null default clock_timestamp()
  )`,
  "create index administration_target on billing.administration (target, event_id)",
  `create function billing.refuse_administration_change() returns trigger language plpgsql as $$
   begin
     raise exception 'the trail of administration is append-only: % on % is refused', tg_op, tg_table_name
       using errcode = 'restrict_violation';
   end $$`,
  `create trigger append_only before update or delete on billing.administration
     for each row execute function billing.refuse_administration_change()`,
  `create trigger append_only_truncate before truncate on billing.administration
     for each statement execute function billing.refuse_administration_change()`,
  "grant select, insert on billing.administration to throughline_billing",
);
