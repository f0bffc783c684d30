import type pg from "pg";
import { columnTypes } from "./types.ts";

/** How a connection is opened. */
export interface ConnectionOptions {
  /** `postgres://user:password@host:port/database`, with `?sslmode=` and the like as libpq knows them. */
  readonly url: string;
  /** Schema that names without one are looked up in. */
  readonly schema?: string | undefined;
  /** Role that the session takes on from its start, to run with fewer rights than the user who connects. */
  readonly role?: string | undefined;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Longest run of a statement, in milliseconds; 0: no limit. */
  readonly statementTimeoutMs?: number | undefined;
  /** Longest wait for a lock, in milliseconds; 0: no limit. */
  readonly lockTimeoutMs?: number | undefined;
  /** Longest idle time inside a transaction, in milliseconds; 0: no limit. */
  readonly idleInTransactionTimeoutMs?: number | undefined;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectTimeoutMs?: number | undefined;
  /** Further settings of the session, e.g. `{ plan_cache_mode: "force_custom_plan" }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/**
 * The driver's configuration. Role, schema and settings travel in the start-up packet: a `SET` after connecting would
 * cost a round trip, and `RESET ROLE` would undo it.
 */
export function clientConfig(options: ConnectionOptions): pg.ClientConfig {
  const { url, optionsOfUrl } = takeOptions(options.url);
  const settings: Record<string, string> = { TimeZone: "UTC", ...options.settings };
  if (options.schema !== undefined) settings.search_path = quoteIdentifier(options.schema);
  if (options.role !== undefined) settings.role = options.role;
  return {
    connectionString: url,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs ?? 0,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: [optionsOfUrl, ...Object.entries(settings).map(toOption)].filter((option) => option !== "").join(" "),
    types: columnTypes,
  };
}

/** Quotes a name for SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes `table` or `schema.table` for SQL. */
export function quoteTable(table: string): string {
  return table.split(".").map(quoteIdentifier).join(".");
}

/** pg lets what the URL says win over the configuration, so the URL's own `options` are taken out and put before ours. */
function takeOptions(text: string): { url: string; optionsOfUrl: string } {
  const url = new URL(text);
  const optionsOfUrl = url.searchParams.get("options") ?? "";
  if (optionsOfUrl !== "") url.searchParams.delete("options");
  return { url: optionsOfUrl === "" ? text : url.href, optionsOfUrl };
}

/** In the start-up packet a space ends an option unless a backslash stands before it. */
function toOption([name, value]: [string, string]): string {
  return `-c ${name}=${value.replaceAll(/[\\\s]/g, "\\$&")}`;
}
