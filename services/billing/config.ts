import { ConfigError, type Env } from "../../shared/config.ts";
import { declareEnv } from "../../shared/config-declare.ts";
import { databaseMigrate, databasePoolSize, databaseUrl } from "../../shared/db/config.ts";

/** What to do about rate limits while Valkey is away. */
export type ValkeyFallback = "refuse" | "local";

/** Billing's configuration. */
export interface BillingConfig {
  /** `postgres://` address, with the rights of the schema's owner. */
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  /** Runs the migrations at the start. */
  readonly migrate: boolean;
  /** Secret that the hashes of keys are made with. */
  readonly keyPepper: string;
  /** True: a pepper other than the one that stored keys were made with is accepted; they all become invalid. */
  readonly keyPepperReset: boolean;
  /** Life of a reservation that is not extended, milliseconds. */
  readonly reservationTtlMs: number;
  /** Time between two looks for reservations past their life, milliseconds. */
  readonly sweepIntervalMs: number;
  /** Age from which a ledger entry's request must have its record, milliseconds. */
  readonly reconcileLagMs: number;
  /** Time between two looks for such entries, milliseconds. */
  readonly reconcileIntervalMs: number;
  /** How long a settlement waits for others, milliseconds. */
  readonly settleLingerMs: number;
  /** How long a refusal for what other requests hold waits for their settlements, milliseconds. */
  readonly refusalWaitMs: number;
  /** `redis://` or `valkey://` address of the rate limits of all replicas. Undefined: each replica counts for itself. */
  readonly valkeyUrl: string | undefined;
  readonly valkeyFallback: ValkeyFallback;
  /** File of accounts and keys that are kept as it says; undefined: none. */
  readonly accountsFile: string | undefined;
  /** Time between two looks at that file, milliseconds. Kubernetes needs about a minute to bring a changed Secret to a pod. */
  readonly accountsLookEveryMs: number;
}

/** Billing's variables, each with its meaning. */
export const billingEnv = declareEnv({
  DATABASE_URL: databaseUrl,
  DATABASE_POOL_SIZE: databasePoolSize,
  DATABASE_MIGRATE: databaseMigrate,
  KEY_PEPPER: {
    kind: "secret",
    required: true,
    description:
      "Secret that the stored hashes of API keys are made with, at least 16 characters. Losing it makes all keys invalid.",
  },
  KEY_PEPPER_RESET: {
    kind: "bool",
    default: false,
    description:
      "Start with another KEY_PEPPER than the one that the stored keys were made with: they all become invalid. Otherwise such a start is refused.",
  },
  RESERVATION_TTL_MS: {
    kind: "duration",
    default: 60_000,
    min: 1_000,
    max: 3_600_000,
    description: "Life of a reservation that its gateway does not extend; then its credit is released.",
  },
  SWEEP_INTERVAL_MS: {
    kind: "duration",
    default: 1_000,
    min: 10,
    max: 60_000,
    description: "Time between two looks for reservations past their life.",
  },
  RECONCILE_LAG_MS: {
    kind: "duration",
    default: 30_000,
    min: 100,
    max: 3_600_000,
    description:
      "Age from which a charged or released request must have a record in history; where it has none, one is made.",
  },
  SETTLE_LINGER: {
    kind: "duration",
    default: 40,
    min: 0,
    max: 1_000,
    description:
      "How long a settlement waits for others to be entered with, where nobody waits for it, its account is not short and there are fewer than 128.",
  },
  REFUSAL_WAIT_MS: {
    kind: "duration",
    default: 500,
    min: 0,
    max: 5_000,
    description:
      "How long a refusal for what other requests hold (a slot, credit, a budget) waits for settlements that are on their way.",
  },
  RECONCILE_INTERVAL_MS: {
    kind: "duration",
    default: 5_000,
    min: 10,
    max: 600_000,
    description: "Time between two looks for requests without a record.",
  },
  VALKEY_URL: {
    kind: "url",
    protocols: ["redis", "rediss", "valkey", "valkeys"],
    description: "Valkey or Redis that holds the rate limits of all replicas. Unset: each replica counts for itself.",
  },
  VALKEY_FALLBACK: {
    kind: "choice",
    choices: ["refuse", "local"],
    default: "local",
    description: "While Valkey is away: refuse requests that have rate limits, or count on each replica alone.",
  },
  ACCOUNTS_FILE: {
    kind: "string",
    description:
      "File (YAML) of accounts and keys that billing makes and keeps as it says; read again when it changes. It holds secrets.",
  },
});

const minPepperLength = 16;

/** The configuration of an environment. Throws ConfigError, naming the variables that are wrong. */
export function envToConfig(env: Env): BillingConfig {
  const values = billingEnv.read(env);
  if (values.KEY_PEPPER.length < minPepperLength) {
    throw new ConfigError("KEY_PEPPER", `KEY_PEPPER must have at least ${minPepperLength} characters`);
  }
  return {
    databaseUrl: values.DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL_SIZE,
    migrate: values.DATABASE_MIGRATE,
    keyPepper: values.KEY_PEPPER,
    keyPepperReset: values.KEY_PEPPER_RESET,
    reservationTtlMs: values.RESERVATION_TTL_MS,
    sweepIntervalMs: values.SWEEP_INTERVAL_MS,
    reconcileLagMs: values.RECONCILE_LAG_MS,
    reconcileIntervalMs: values.RECONCILE_INTERVAL_MS,
    settleLingerMs: values.SETTLE_LINGER,
    refusalWaitMs: values.REFUSAL_WAIT_MS,
    valkeyUrl: values.VALKEY_URL,
    valkeyFallback: values.VALKEY_FALLBACK,
    accountsFile: values.ACCOUNTS_FILE,
    accountsLookEveryMs: 10_000,
  };
}
