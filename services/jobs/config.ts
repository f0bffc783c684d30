import { ConfigError, type Env } from "../../shared/config.ts";
import { originAlone } from "../../shared/config-checks.ts";
import { declareEnv } from "../../shared/config-declare.ts";
import { databaseMigrate, databasePoolSize, databaseUrl } from "../../shared/db/config.ts";
import { createAllowList } from "../../shared/outbound/allow-list.ts";
import { type CredentialKeys, parseCredentialKeys } from "../../shared/sealed-credential.ts";
import { usableFolder } from "../../shared/usable-folder.ts";
import type { LineLimits } from "./batches/shares.ts";
import { type ObjectPlace, placeOf } from "./objects/place.ts";
import { retryWaitsMs } from "./webhooks/domain/retry-schedule.ts";

const dayMs = 86_400_000;
const gibibyte = 1024 ** 3;

/** Variables of jobs. */
export const jobsEnv = declareEnv({
  DATABASE_URL: databaseUrl,
  DATABASE_POOL_SIZE: databasePoolSize,
  DATABASE_MIGRATE: databaseMigrate,
  JOBS_FIRST_POLL: {
    kind: "duration",
    default: 5_000,
    min: 10,
    max: 300_000,
    description: "How long after its start an upstream is first asked after a job.",
  },
  JOBS_MAX_POLL: {
    kind: "duration",
    default: 15_000,
    min: 10,
    max: 300_000,
    description: "Longest time between two questions after a job that runs well.",
  },
  JOBS_CHANNEL_POLLS_PER_SECOND: {
    kind: "int",
    default: 50,
    min: 1,
    max: 10_000,
    description:
      "Most questions a second to one channel after its jobs, of all processes of jobs together; a channel whose upstream is asked too often is asked less for a while.",
  },
  JOBS_AT_ONCE: {
    kind: "int",
    default: 64,
    min: 1,
    max: 10_000,
    description: "Most jobs that one process of jobs works at in the same moment.",
  },
  JOBS_CALLS_AT_ONCE: {
    kind: "int",
    default: 64,
    min: 1,
    max: 10_000,
    description: "Most calls that one process of jobs makes at the same time for requests that are answered later.",
  },
  JOBS_ACCOUNT_CALLS_AT_ONCE: {
    kind: "int",
    default: 16,
    min: 1,
    max: 10_000,
    description: "Most of these calls that belong to one account.",
  },
  SHUTDOWN_GRACE_MS: {
    kind: "duration",
    default: 30_000,
    min: 0,
    max: 86_400_000,
    description: "Longest time that a stopping process waits for running requests.",
  },
  BATCH_LINES_AT_ONCE: {
    kind: "int",
    default: 64,
    min: 1,
    max: 10_000,
    description: "Most lines of batches that one process of jobs runs in the same moment.",
  },
  BATCH_LINES_AT_ONCE_OF_ACCOUNT: {
    kind: "int",
    default: 32,
    min: 1,
    max: 10_000,
    description: "Most of these lines that are one account's.",
  },
  BATCH_LINES_AT_ONCE_OF_BATCH: {
    kind: "int",
    default: 32,
    min: 1,
    max: 10_000,
    description: "Most of these lines that are one batch's.",
  },
  RESERVATION_TTL_MS: {
    kind: "duration",
    default: 60_000,
    min: 1_000,
    max: 3_600_000,
    description: "Life of a reservation that nobody extends; those of jobs are extended three times in a life.",
  },
  JOBS_RETENTION: {
    kind: "duration",
    default: 30 * dayMs,
    min: 0,
    max: 36_500 * dayMs,
    description: "How long a job that has ended can be read and listed; 0: for ever. Its record is history's.",
  },
  OBJECT_STORE_URL: {
    kind: "string",
    description:
      "Where files and results are kept: file:///a/folder that all processes of jobs share, or s3://bucket/prefix?endpoint=https://...&region=... Unset: in PostgreSQL, and results of videos stay with their vendor.",
  },
  OBJECT_STORE_ACCESS_KEY_ID: { kind: "string", description: "Key ID for the bucket of OBJECT_STORE_URL." },
  OBJECT_STORE_SECRET_ACCESS_KEY: { kind: "secret", description: "Secret key for the bucket of OBJECT_STORE_URL." },
  OBJECT_COPY_BYTES: {
    kind: "int",
    default: gibibyte,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    unit: "bytes",
    description: "Largest result of a video that is copied to OBJECT_STORE_URL; a larger one stays with its vendor.",
  },
  OBJECT_ACCOUNT_BYTES: {
    kind: "int",
    default: 10 * gibibyte,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    unit: "bytes",
    description: "Most bytes of files and results of one account.",
  },
  OBJECT_DATABASE_BYTES: {
    kind: "int",
    default: 50 * gibibyte,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    unit: "bytes",
    description: "Bytes of all accounts from which on PostgreSQL takes no more files and results.",
  },
  WEBHOOKS_AT_ONCE: {
    kind: "int",
    default: 64,
    min: 1,
    max: 10_000,
    description:
      "Most webhooks that one process of jobs sends in the same moment; at most four of them go to one receiver.",
  },
  ALERT_CHANNEL_OUT_AFTER: {
    kind: "duration",
    default: 2 * 60_000,
    min: 0,
    max: dayMs,
    description: "How long a channel is out of turn before webhooks are told so (alert.channel_out).",
  },
  PUBLIC_URL: {
    kind: "url",
    protocols: ["https", "http"],
    check: originAlone,
    description:
      "Address at which the internet reaches the gateway, without a path. Vendors that can are told to call it when a job changes (POST /callbacks/...); unset: jobs are asked after alone.",
  },
  WEBHOOK_ALLOW: {
    kind: "list",
    default: [],
    description:
      "Hosts (hooks.internal, *.internal), addresses and networks (10.0.0.0/8) that webhooks may go to although they are not public, and without TLS.",
  },
  CREDENTIAL_KEY: {
    kind: "secret",
    description:
      "Key that the secrets of webhooks are sealed with, the same as routing's; without it there are no webhooks.",
  },
});

/** Configuration of jobs. */
export interface JobsConfig {
  readonly databaseUrl: string;
  readonly poolSize: number;
  /** False: the schema is brought up to date elsewhere. */
  readonly migrate: boolean;
  readonly firstPollMs: number;
  readonly maxPollMs: number;
  /** Most questions a second to one channel, of all processes together. */
  readonly channelPollsPerSecond: number;
  /** How long the channel of a job may be gone before nobody waits for it. */
  readonly channelGraceMs: number;
  readonly atOnce: number;
  /** Most own calls at the same time, and most of one account. */
  readonly callsAtOnce: number;
  readonly accountCallsAtOnce: number;
  /** Longest time that a stop waits for own calls; then they are given back. */
  readonly shutdownGraceMs: number;
  /** How often the reservations of jobs are extended. */
  readonly extendEveryMs: number;
  /** 0: for ever. */
  readonly retentionMs: number;
  readonly objects: {
    readonly place: ObjectPlace;
    readonly accountBytes: number;
    readonly databaseBytes: number;
    readonly copyBytes: number;
  };
  readonly webhooks: WebhooksConfig;
  readonly batches: LineLimits;
}

/** Configuration of webhooks. */
export interface WebhooksConfig {
  /** What may be called although it is not public, and without TLS. */
  readonly allow: readonly string[];
  readonly atOnce: number;
  /** Most tries at the same moment to one receiver. */
  readonly perReceiver: number;
  /** Longest that a receiver may take to begin its answer. */
  readonly timeoutMs: number;
  /** How long a worker has a delivery to itself. */
  readonly leaseMs: number;
  /** Where vendors reach the gateway, without a slash at its end; undefined: nowhere. */
  readonly publicUrl: string | undefined;
  /** How often budgets are looked at for alerts. */
  readonly budgetsEveryMs: number;
  /** How often channels are looked at for alerts. */
  readonly channelsEveryMs: number;
  /** How long a channel has been out when that is told, and how long it has been in turn again when that is. */
  readonly channelOutAfterMs: number;
  readonly channelBackAfterMs: number;
  /** Waits between tries. */
  readonly waitsMs: readonly number[];
  /** Undefined: no secrets can be kept. */
  readonly credentialKeys: CredentialKeys | undefined;
}

/** The configuration that an environment describes. Throws ConfigError. */
export function envToConfig(env: Env): JobsConfig {
  const read = jobsEnv.read(env);
  const place = placeOf(read.OBJECT_STORE_URL, {
    accessKeyId: read.OBJECT_STORE_ACCESS_KEY_ID,
    secretAccessKey: read.OBJECT_STORE_SECRET_ACCESS_KEY,
  });
  if (place.kind === "folder") usableFolder("OBJECT_STORE_URL", place.path, { make: true });
  return {
    databaseUrl: read.DATABASE_URL,
    poolSize: read.DATABASE_POOL_SIZE,
    migrate: read.DATABASE_MIGRATE,
    firstPollMs: read.JOBS_FIRST_POLL,
    maxPollMs: read.JOBS_MAX_POLL,
    channelPollsPerSecond: read.JOBS_CHANNEL_POLLS_PER_SECOND,
    channelGraceMs: 10 * 60_000,
    atOnce: read.JOBS_AT_ONCE,
    callsAtOnce: read.JOBS_CALLS_AT_ONCE,
    accountCallsAtOnce: read.JOBS_ACCOUNT_CALLS_AT_ONCE,
    shutdownGraceMs: read.SHUTDOWN_GRACE_MS,
    extendEveryMs: Math.max(100, Math.floor(read.RESERVATION_TTL_MS / 3)),
    retentionMs: read.JOBS_RETENTION,
    objects: {
      place,
      accountBytes: read.OBJECT_ACCOUNT_BYTES,
      databaseBytes: read.OBJECT_DATABASE_BYTES,
      copyBytes: read.OBJECT_COPY_BYTES,
    },
    webhooks: {
      allow: allowOf(read.WEBHOOK_ALLOW),
      atOnce: read.WEBHOOKS_AT_ONCE,
      perReceiver: 4,
      timeoutMs: 10_000,
      leaseMs: 25_000,
      publicUrl: read.PUBLIC_URL?.replace(/\/+$/, ""),
      budgetsEveryMs: 10_000,
      channelsEveryMs: 10_000,
      channelOutAfterMs: read.ALERT_CHANNEL_OUT_AFTER,
      channelBackAfterMs: 30_000,
      waitsMs: retryWaitsMs,
      credentialKeys: read.CREDENTIAL_KEY === undefined ? undefined : parseCredentialKeys(read.CREDENTIAL_KEY),
    },
    batches: {
      linesAtOnce: read.BATCH_LINES_AT_ONCE,
      accountLinesAtOnce: read.BATCH_LINES_AT_ONCE_OF_ACCOUNT,
      batchLinesAtOnce: read.BATCH_LINES_AT_ONCE_OF_BATCH,
    },
  };
}

function allowOf(entries: readonly string[]): readonly string[] {
  try {
    createAllowList(entries);
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError("WEBHOOK_ALLOW", `WEBHOOK_ALLOW: ${error.message}`);
    throw error;
  }
  return entries;
}
