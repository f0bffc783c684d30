import { type Kysely, sql } from "kysely";

/** Limits of keys and accounts alike. 0: no limit. Money in nano-USD. */
const limits = `
  requests_per_minute bigint not null default 0 check (requests_per_minute >= 0),
  tokens_per_minute bigint not null default 0 check (tokens_per_minute >= 0),
  concurrent_requests bigint not null default 0 check (concurrent_requests >= 0),
  daily_budget bigint not null default 0 check (daily_budget >= 0),
  monthly_budget bigint not null default 0 check (monthly_budget >= 0)`;

/**
 * What the limits are checked against. `day` counts from 1970-01-01 and `month` from year 0, both UTC; a `spent` counts
 * only while its period is the current one.
 */
const counters = `
  reserved bigint not null default 0 check (reserved >= 0),
  open_count bigint not null default 0 check (open_count >= 0),
  day integer not null default 0,
  day_spent bigint not null default 0,
  month integer not null default 0,
  month_spent bigint not null default 0`;

const statements = [
  // created_with: digest of what was asked for, so that the same creation sent twice is answered with the first.
  // fillfactor: rows that change with every batch find room on their own page, so no index is touched (HOT).
  `create table billing.account (
     account_id bigint generated always as identity primary key,
     name text not null unique check (name <> ''),
     group_name text not null,
     state smallint not null default 1 check (state in (1, 2)),
     balance bigint not null default 0,
     credit_floor bigint not null default 0 check (credit_floor <= 0),
     ledger_seq bigint not null default 0,
     disconnect_policy smallint not null default 1 check (disconnect_policy in (1, 2, 3)),
     store_response smallint not null default 1 check (store_response in (1, 2, 3)),
     created_at timestamptz not null default clock_timestamp(),
     created_with bytea not null,
     ${counters}, ${limits}
   ) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
           autovacuum_vacuum_cost_delay = 0)`,
  // A key's counters are kept only while it is tracked, that is while it has a budget or a limit of concurrent requests.
  `create table billing.key (
     key_id bigint generated always as identity primary key,
     account_id bigint not null references billing.account,
     name text not null,
     kind smallint not null check (kind in (1, 2, 3, 4)),
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
     ${counters}, ${limits}
   ) with (fillfactor = 60)`,
  "create index key_account on billing.key (account_id, key_id)",
  // A rotation adds a secret and gives the old one an end, so a key may have several for a while.
  `create table billing.key_secret (
     hash bytea primary key check (octet_length(hash) = 32),
     key_id bigint not null references billing.key,
     valid_until timestamptz,
     created_at timestamptz not null default clock_timestamp()
   )`,
  "create index key_secret_key on billing.key_secret (key_id)",
  "grant select, insert, update on billing.account, billing.key, billing.key_secret to throughline_billing",
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
