import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Configuration by version, channels entered at run time, node leases, health. */
export const routing: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // One row. The version counts every change that resolving must see; config_version is the one that the file's part has.
  `create table state (
    id boolean primary key default true check (id),
    version bigint not null,
    config_version bigint not null
  )`,
  "insert into state (version, config_version) values (0, 0)",

  `create table configuration (
    version bigint primary key,
    digest text not null,
    applied_at timestamptz not null default now(),
    applied_by text not null
  )`,
  `create table model_group (
    version bigint not null references configuration on delete cascade,
    name text not null,
    ratio_ppm bigint not null check (ratio_ppm between 0 and 4294967295),
    primary key (version, name)
  )`,
  // Prices in nano-USD; all null: the price table prices each model that uses the strategy, as a strategy of its own.
  `create table strategy (
    version bigint not null references configuration on delete cascade,
    key text not null,
    name text not null,
    origin text not null check (origin in ('strategy', 'table', 'free')),
    input_per_mtok bigint check (input_per_mtok >= 0),
    cached_input_per_mtok bigint check (cached_input_per_mtok >= 0),
    cache_write_per_mtok bigint check (cache_write_per_mtok >= 0),
    output_per_mtok bigint check (output_per_mtok >= 0),
    reasoning_per_mtok bigint check (reasoning_per_mtok >= 0),
    per_image bigint check (per_image >= 0),
    per_audio_second bigint check (per_audio_second >= 0),
    per_mchar bigint check (per_mchar >= 0),
    per_request bigint check (per_request >= 0),
    custom_response text not null,
    primary key (version, key),
    check (num_nulls(input_per_mtok, cached_input_per_mtok, cache_write_per_mtok, output_per_mtok, reasoning_per_mtok,
      per_image, per_audio_second, per_mchar, per_request) in (0, 9))
  )`,
  `create table model (
    version bigint not null references configuration on delete cascade,
    name text not null,
    module text not null,
    owned_by text not null,
    context_window_tokens bigint not null,
    max_output_tokens bigint not null,
    capabilities jsonb,
    strategy text not null,
    auto jsonb,
    primary key (version, name)
  )`,
  `create table alias (
    version bigint not null references configuration on delete cascade,
    name text not null,
    target text not null,
    primary key (version, name)
  )`,
  `create table channel (
    version bigint not null references configuration on delete cascade,
    name text not null,
    definition jsonb not null,
    primary key (version, name)
  )`,
  "create table model_first_seen (name text primary key, first_seen timestamptz not null default now())",

  // Entered at run time. Credentials inside are sealed (AES-256-GCM).
  `create table runtime_channel (
    name text primary key,
    definition jsonb not null,
    strategies jsonb not null,
    updated_at timestamptz not null default now()
  )`,

  `create table node_lease (
    node integer primary key check (node between 0 and 1023),
    holder text not null,
    valid_from_ms bigint not null,
    valid_until_ms bigint not null,
    check (valid_from_ms <= valid_until_ms)
  )`,
  `insert into node_lease (node, holder, valid_from_ms, valid_until_ms)
    select node, '', 0, 0 from generate_series(0, 1023) as node`,
  "create index node_lease_valid_until on node_lease (valid_until_ms, node)",

  // Worth nothing after a crash: the replicas report again within seconds.
  `create unlogged table channel_health (
    reporter text not null,
    channel text not null,
    attempts bigint not null,
    failures bigint not null,
    first_byte_ms bigint not null,
    measured_at_ms bigint not null,
    open boolean not null,
    cooldown_until_ms bigint not null,
    reported_at_ms bigint not null,
    primary key (reporter, channel)
  )`,
];
