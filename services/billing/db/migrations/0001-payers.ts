import { statements } from "./statements.ts";

/**
 * Rules of single columns are domains and not CHECK constraints. PostgreSQL parses every CHECK of a table anew for each
 * statement that writes to it, whichever columns it sets; a domain's is parsed once a session and asked for only where its
 * column is written: a call of Reserve or Settle went from 0.76 to 0.69 ms of CPU.
 */
const domains = {
  not_negative: "bigint check (value >= 0)",
  not_positive: "bigint check (value <= 0)",
  one_or_two: "smallint check (value in (1, 2))",
  one_to_three: "smallint check (value in (1, 2, 3))",
  one_to_four: "smallint check (value in (1, 2, 3, 4))",
  not_empty: "text check (value <> '')",
} as const;

/** Limits of keys and accounts alike. 0: no limit. Money in nano-USD. */
const limits = `
  requests_per_minute billing.not_negative not null default 0,
  tokens_per_minute billing.not_negative not null default 0,
  concurrent_requests billing.not_negative not null default 0,
  concurrent_jobs billing.not_negative not null default 0,
  daily_budget billing.not_negative not null default 0,
  monthly_budget billing.not_negative not null default 0`;

/**
 * What the limits are checked against. `day` counts from 1970-01-01 and `month` from year 0, both UTC; a `spent` counts
 * only while its period is the current one.
 */
const counters = `
  reserved billing.not_negative not null default 0,
  open_count billing.not_negative not null default 0,
  open_jobs billing.not_negative not null default 0,
  day integer not null default 0,
  day_spent bigint not null default 0,
  month integer not null default 0,
  month_spent bigint not null default 0`;

/** Accounts, keys and their secrets. */
export const createPayers = statements(
  ...Object.entries(domains).map(([name, rule]) => `create domain billing.${name} as ${rule}`),
  `create function billing.day_of(p_time timestamptz) returns integer language sql immutable parallel safe
   return floor(extract(epoch from p_time) / 86400)::integer`,
  `create function billing.month_of(p_time timestamptz) returns integer language sql immutable parallel safe
   return (extract(year from p_time at time zone 'UTC') * 12 + extract(month from p_time at time zone 'UTC') - 1)::integer`,
  // created_with: digest of what was asked for, so that the same creation sent twice is answered with the first.
  // operator: its administration keys reach the whole platform; those of others their own account alone.
  // fillfactor: rows that change with every batch find room on their own page, so no index is touched (HOT).
  `create table billing.account (
     account_id bigint generated always as identity primary key,
     name billing.not_empty not null unique,
     group_name text not null,
     state billing.one_or_two not null default 1,
     operator boolean not null default false,
     balance bigint not null default 0,
     credit_floor billing.not_positive not null default 0,
     ledger_seq bigint not null default 0,
     disconnect_policy billing.one_to_three not null default 1,
     store_response billing.one_to_three not null default 1,
     created_at timestamptz not null default clock_timestamp(),
     created_with bytea not null,
     ${counters}, ${limits}
   ) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
           autovacuum_vacuum_cost_delay = 0)`,
  // A key's counters are kept only while it is tracked, that is while it has a budget or a limit of concurrent requests or jobs.
  // generation: the newest of its secrets.
  `create table billing.key (
     key_id bigint generated always as identity primary key,
     account_id bigint not null references billing.account,
     name text not null,
     kind billing.one_to_four not null,
     prefix text not null,
     user_id text not null,
     scopes text[] not null,
     allowed_models text[] not null,
     allowed_cidrs text[] not null,
     group_name text not null,
     expires_at timestamptz,
     revoked_at timestamptz,
     created_at timestamptz not null default clock_timestamp(),
     created_with bytea not null,
     tracked boolean not null default false,
     generation integer not null default 1,
     ${counters}, ${limits}
   ) with (fillfactor = 60)`,
  "create index key_account on billing.key (account_id, key_id)",
  // A rotation adds a secret and gives the old one an end, so a key may have several for a while. generation: which of its
  // key's secrets this is; the first is 1, each rotation makes the next.
  `create table billing.key_secret (
     hash bytea primary key check (octet_length(hash) = 32),
     key_id bigint not null references billing.key,
     valid_until timestamptz,
     created_at timestamptz not null default clock_timestamp(),
     generation integer not null default 1
   )`,
  "create index key_secret_key on billing.key_secret (key_id)",
  // key_secret is locked first, as by Authenticate: in the other order the two could deadlock.
  `create function billing.number_secret() returns trigger language plpgsql as $$
   begin
     if exists (select from billing.key_secret s where s.key_id = new.key_id) then
       update billing.key k set generation = k.generation + 1 where k.key_id = new.key_id
       returning k.generation into new.generation;
     end if;
     return new;
   end $$`,
  `create trigger number_secret before insert on billing.key_secret
     for each row execute function billing.number_secret()`,
  // Asked by Reserve for other secrets than the newest only. A function, since a subquery in its place is set up with
  // every batch, asked for or not: 20 to 50 us.
  `create function billing.secret_ended(p_key bigint, p_generation integer, p_now timestamptz) returns boolean
   language sql stable
   return not exists (
     select from billing.key_secret s
     where s.key_id = p_key and s.generation = p_generation and (s.valid_until is null or s.valid_until > p_now))`,
  `create function billing.tell_limits() returns trigger language plpgsql as $$
   begin
     perform pg_notify('billing_limits', tg_argv[0] || ' ' || (to_jsonb(new) ->> (tg_argv[0] || '_id')));
     return null;
   end $$`,
  // Column lists: the updates of Reserve and Settle name other columns and never call these.
  ...["account", "key"].map(
    (table) => `create trigger tell_limits after update of requests_per_minute, tokens_per_minute on billing.${table}
      for each row execute function billing.tell_limits('${table}')`,
  ),
  "grant select, insert, update on billing.account, billing.key, billing.key_secret to throughline_billing",
  // One row: what the pepper of the stored keys makes of a fixed text. It tells a wrong pepper, and nothing of the right one.
  `create table billing.pepper_check (
     one boolean primary key default true check (one),
     digest bytea not null,
     made_at timestamptz not null default now()
   )`,
  "grant select, insert, update on billing.pepper_check to throughline_billing",
);
