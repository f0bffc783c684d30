/**
 * Settings for a small machine that is always on. What is not here is PostgreSQL 18's default; above all `fsync`,
 * `full_page_writes` and `synchronous_commit` stay on, for a reservation must be durable before the upstream is called.
 */
export const embeddedSettings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "256MB",
  effective_cache_size: "1GB",
  work_mem: "8MB",
  maintenance_work_mem: "64MB",
  // Compiling costs more than it saves on statements of a few rows, and a first compile takes tens of milliseconds.
  jit: "off",
  random_page_cost: "1.1",
  // Nothing replicates from here: the least WAL, in few and spread checkpoints.
  wal_level: "minimal",
  max_wal_senders: "0",
  wal_buffers: "16MB",
  min_wal_size: "128MB",
  max_wal_size: "1GB",
  checkpoint_timeout: "15min",
  checkpoint_completion_target: "0.9",
  autovacuum_naptime: "30s",
  autovacuum_max_workers: "2",
  log_checkpoints: "off",
  log_line_prefix: "%m [%p] %a ",
  lc_messages: "C",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * For tests: durability off, so that a run waits for no disk. Visibility, locks and isolation are as in production.
 */
export const throwawaySettings: Readonly<Record<string, string>> = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  autovacuum: "off",
  max_connections: "300",
  shared_buffers: "128MB",
};

/** The command line of `postgres` for these settings. */
export function toArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
