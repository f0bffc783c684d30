import type { Generated, JSONColumnType } from "kysely";

/** A JSON column: what is written is JSON text, what is read is the value. */
type Json<T extends object | null> = JSONColumnType<T, string, string>;

/** The tables of the schema `routing`. Times are Unix milliseconds where the name says so; money is in nano-USD. */
export interface RoutingSchema {
  state: { id: Generated<boolean>; version: bigint; config_version: bigint };
  configuration: { version: bigint; digest: string; applied_at: Generated<Date>; applied_by: string };
  model_group: { version: bigint; name: string; ratio_ppm: bigint };
  strategy: StrategyRow & { version: bigint };
  model: ModelTable;
  alias: { version: bigint; name: string; target: string };
  channel: { version: bigint; name: string; definition: Json<object> };
  model_first_seen: { name: string; first_seen: Generated<Date> };
  runtime_channel: {
    name: string;
    definition: Json<object>;
    strategies: Json<object[]>;
    updated_at: Generated<Date>;
  };
  channel_listing: {
    channel: string;
    source: string;
    models: JSONColumnType<object[] | null, string | null, string | null>;
    failure: string;
    due_at_ms: bigint;
  };
  node_lease: { node: number; holder: string; valid_from_ms: bigint; valid_until_ms: bigint };
  channel_health: ChannelHealthTable;
}

/** What a replica of the provider reported last of a channel. */
export interface ChannelHealthTable {
  reporter: string;
  channel: string;
  attempts: bigint;
  failures: bigint;
  first_byte_ms: bigint;
  measured_at_ms: bigint;
  open: boolean;
  cooldown_until_ms: bigint;
  reported_at_ms: bigint;
  recent_attempts: bigint;
  recent_failures: bigint;
  last_failure_code: string;
  last_failure_status: bigint;
  last_failure_at_ms: bigint;
  last_good_at_ms: bigint;
}

interface ModelTable {
  version: bigint;
  name: string;
  module: string;
  owned_by: string;
  context_window_tokens: bigint;
  max_output_tokens: bigint;
  capabilities: JSONColumnType<string[] | null, string | null, string | null>;
  strategy: string;
  auto: JSONColumnType<object | null, string | null, string | null>;
}

/** A strategy as its table has it. */
export interface StrategyRow {
  key: string;
  name: string;
  origin: string;
  input_per_mtok: bigint | null;
  cached_input_per_mtok: bigint | null;
  cache_write_per_mtok: bigint | null;
  output_per_mtok: bigint | null;
  reasoning_per_mtok: bigint | null;
  per_image: bigint | null;
  per_audio_second: bigint | null;
  per_mchar: bigint | null;
  per_request: bigint | null;
  /** JSON: further rates, in canonical order. Null: none. */
  rates: string | null;
  /** JSON: prices by parts of the day. Null: they hold all day. */
  by_hour: string | null;
  custom_response: string;
  /** Key of the strategy that has the vendor's list prices. Empty: none is named. */
  list: string;
}
