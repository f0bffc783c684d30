import { statements } from "./statements.ts";

/** What the first event is chained to. */
const start = "sha256(convert_to('the trail of administration', 'UTF8'))";

/**
 * The trail of administration says what was before and after, and its events are numbered and chained: each bears a digest of the
 * one before and of all that it says. The number and the digest are made by the database, so that programs of before go on entering
 * events, and no program can choose them.
 */
export const chainAdministration = statements(
  `alter table billing.administration
     add column before_json text not null default '',
     add column after_json text not null default '',
     add column number bigint,
     add column previous_hash bytea,
     add column hash bytea`,
  `create function billing.administration_hash(e billing.administration) returns bytea language sql stable as $$
     select sha256(e.previous_hash || convert_to(jsonb_build_array(e.number, e.event_id, e.request_id, e.call, e.procedure,
       e.actor_key_id, e.actor, e.actor_account_id, e.address, e.target, e.values_json, e.outcome, e.before_json, e.after_json,
       (extract(epoch from e.created_at) * 1000000)::bigint)::text, 'UTF8'))
   $$`,
  // The end of the chain: an event that was taken from it is missed here.
  `create table billing.administration_head (
     one boolean primary key default true check (one),
     number bigint not null,
     hash bytea not null
   )`,
  "alter table billing.administration disable trigger append_only",
  `do $$
   declare
     e billing.administration;
     last bytea := ${start};
     n bigint := 0;
   begin
     for e in select * from billing.administration order by event_id loop
       n := n + 1;
       e.number := n;
       e.previous_hash := last;
       last := billing.administration_hash(e);
       update billing.administration set number = n, previous_hash = e.previous_hash, hash = last where event_id = e.event_id;
     end loop;
     insert into billing.administration_head (number, hash) values (n, last);
   end $$`,
  "alter table billing.administration enable trigger append_only",
  `alter table billing.administration
     alter column number set not null, alter column previous_hash set not null, alter column hash set not null,
     add constraint administration_number unique (number)`,
  "create index administration_account on billing.administration (actor_account_id, event_id)",
  `create function billing.chain_administration() returns trigger language plpgsql security definer set search_path = '' as $$
   declare
     head billing.administration_head;
   begin
     select * into head from billing.administration_head for update;
     new.number := head.number + 1;
     new.previous_hash := head.hash;
     new.hash := billing.administration_hash(new);
     update billing.administration_head set number = new.number, hash = new.hash;
     return new;
   end $$`,
  `create trigger chain before insert on billing.administration
     for each row execute function billing.chain_administration()`,
  "grant select on billing.administration_head to throughline_billing",
);
