import { ConfigError, type Env } from "../../shared/config.ts";
import { declareEnv } from "../../shared/config-declare.ts";
import { databaseMigrate, databasePoolSize, databaseUrl } from "../../shared/db/config.ts";

const dayMs = 86_400_000;

/** Variables of history. */
export const historyEnv = declareEnv({
  DATABASE_URL: databaseUrl,
  DATABASE_POOL_SIZE: databasePoolSize,
  DATABASE_MIGRATE: databaseMigrate,
  HISTORY_RETENTION: {
    kind: "duration",
    default: 400 * dayMs,
    min: 0,
    max: 36_500 * dayMs,
    description: "How long records are kept; 0: for ever.",
  },
  HISTORY_PAYLOAD_RETENTION: {
    kind: "duration",
    default: 30 * dayMs,
    min: 0,
    max: 36_500 * dayMs,
    description: "How long answers and details of records are kept; 0: as long as the records.",
  },
  HISTORY_REQUEST_RETENTION: {
    kind: "duration",
    default: 7 * dayMs,
    min: 0,
    max: 36_500 * dayMs,
    description: "How long is kept what requests said, of accounts with store_request; 0: as long as the records.",
  },
  HISTORY_PARTITION: {
    kind: "duration",
    default: 7 * dayMs,
    min: 3_600_000,
    max: 3_650 * dayMs,
    description: "Time that one partition of records covers; a whole one is dropped at the end of its retention.",
  },
  HISTORY_PAYLOAD_PARTITION: {
    kind: "duration",
    default: dayMs,
    min: 3_600_000,
    max: 3_650 * dayMs,
    description: "Time that one partition of answers and details covers.",
  },
  HISTORY_DELETE_BEFORE: {
    kind: "string",
    description:
      "A date such as 2026-10-01: what is past its retention and older than this is dropped at once, however much it is.",
  },
  HISTORY_MAX_RESPONSE_BYTES: {
    kind: "int",
    default: 1_048_576,
    min: 1_024,
    max: 8_388_608,
    unit: "bytes",
    description: "Most bytes that are kept of one answer; what is longer is cut and marked.",
  },
  HISTORY_LINGER: {
    kind: "duration",
    default: 40,
    min: 0,
    max: 1_000,
    description:
      "How long a record waits for others to be stored with, where nobody waits for it and there are fewer than 128.",
  },
  HISTORY_PENDING_BYTES: {
    kind: "int",
    default: 67_108_864,
    min: 1_048_576,
    max: 1_099_511_627_776,
    unit: "bytes",
    description: "Most bytes of records that wait to be stored; beyond, senders are told to come again.",
  },
  CUSTOM_RESPONSE_TIMEOUT: {
    kind: "duration",
    default: 100,
    min: 1,
    max: 10_000,
    description: "Longest run of a strategy's custom_response expression.",
  },
});

/** Configuration of history. */
export interface HistoryConfig {
  readonly databaseUrl: string;
  /** Most connections; half of them, at least one, serve queries. */
  readonly poolSize: number;
  /** 0: for ever. */
  readonly retentionMs: number;
  /** 0: as long as the records. */
  readonly payloadRetentionMs: number;
  /** 0: as long as the records. */
  readonly requestRetentionMs: number;
  readonly partitionMs: number;
  readonly payloadPartitionMs: number;
  /** Unix milliseconds; what is past its retention and older may go at once. 0: nothing may. */
  readonly deleteBeforeMs: number;
  readonly maxResponseBytes: number;
  readonly lingerMs: number;
  readonly pendingBytes: number;
  readonly customResponseTimeoutMs: number;
  /** False: the schema is brought up to date elsewhere. */
  readonly migrate: boolean;
}

/** The configuration that an environment describes. Throws ConfigError. */
export function envToConfig(env: Env): HistoryConfig {
  const read = historyEnv.read(env);
  return {
    databaseUrl: read.DATABASE_URL,
    poolSize: read.DATABASE_POOL_SIZE,
    retentionMs: read.HISTORY_RETENTION,
    payloadRetentionMs: read.HISTORY_PAYLOAD_RETENTION,
    requestRetentionMs: read.HISTORY_REQUEST_RETENTION,
    partitionMs: read.HISTORY_PARTITION,
    payloadPartitionMs: read.HISTORY_PAYLOAD_PARTITION,
    deleteBeforeMs: dateMs("HISTORY_DELETE_BEFORE", read.HISTORY_DELETE_BEFORE),
    maxResponseBytes: read.HISTORY_MAX_RESPONSE_BYTES,
    lingerMs: read.HISTORY_LINGER,
    pendingBytes: read.HISTORY_PENDING_BYTES,
    customResponseTimeoutMs: read.CUSTOM_RESPONSE_TIMEOUT,
    migrate: read.DATABASE_MIGRATE,
  };
}

function dateMs(name: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  // JavaScript takes February 31 for March 3.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text)
    throw new ConfigError(name, `${name} must be a date such as 2026-10-01`);
  return ms;
}
