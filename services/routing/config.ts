import type { Env } from "../../shared/config.ts";
import { declareEnv } from "../../shared/config-declare.ts";
import { databaseMigrate, databasePoolSize, databaseUrl } from "../../shared/db/config.ts";
import { type CredentialKeys, parseCredentialKeys } from "../../shared/sealed-credential.ts";

/** Routing's configuration. */
export interface RoutingConfig {
  /** `postgres://` address, with the rights of the schema's owner. */
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  /** Runs the migrations at the start. */
  readonly migrate: boolean;
  /** The YAML file. Undefined: the presets, the environment's channels and the simulator alone. */
  readonly file: string | undefined;
  /** Time between two looks at the file, milliseconds. */
  readonly filePollMs: number;
  /** Time between two looks for changes that other replicas made, milliseconds; a notification usually comes first. */
  readonly pollMs: number;
  /** Base URL of the simulator. Undefined: no simulator. */
  readonly simulatorUrl: string | undefined;
  /** Keys that seal the credentials of channels entered at run time. Undefined: none can be entered. */
  readonly credentialKeys: CredentialKeys | undefined;
  /** True: a start on credentials that no key opens is no error. */
  readonly credentialKeyReset: boolean;
  /** Length of a node lease, milliseconds. */
  readonly nodeLeaseMs: number;
  /** Time between two looks at an upstream's list of models, milliseconds. 0: none is read. */
  readonly listEveryMs: number;
  /** Where the vendors' keys and base URLs are looked for (presets/vendors.yaml). */
  readonly vendorEnv: Env;
}

/** Routing's variables, each with its meaning. */
export const routingEnv = declareEnv({
  DATABASE_URL: databaseUrl,
  DATABASE_POOL_SIZE: databasePoolSize,
  DATABASE_MIGRATE: databaseMigrate,
  THROUGHLINE_CONFIG: {
    kind: "string",
    description:
      "The configuration file (YAML; see deploy/throughline.example.yaml), reloaded on change. Unset: the usual models, the channels of the vendors' keys in the environment, and the simulator.",
  },
  CONFIG_POLL_MS: {
    kind: "duration",
    default: 250,
    min: 50,
    max: 60_000,
    description: "Time between two looks at the configuration file; a change is read when two looks find it the same.",
  },
  ROUTING_POLL_MS: {
    kind: "duration",
    default: 1_000,
    min: 50,
    max: 60_000,
    description: "Time between two looks for channels and health that other replicas of routing stored.",
  },
  SIMULATOR_URL: {
    kind: "url",
    protocols: ["http", "https"],
    description:
      "Base URL of the simulated upstream, which serves `sim-*`, and the usual models at no price while there is no other channel. Unset: none (`up` and `mesh` start one).",
  },
  CREDENTIAL_KEY: {
    kind: "secret",
    description:
      "Key of credentials that are sealed at rest, 32 bytes in base64; needed for channels entered at run time. Several as <number>:<base64>, separated by commas: the first seals, all open.",
  },
  CREDENTIAL_KEY_RESET: {
    kind: "bool",
    default: false,
    description:
      "Start although CREDENTIAL_KEY opens none of the stored credentials: their channels fail until they are entered again. Otherwise such a start is refused.",
  },
  MODEL_LIST_EVERY_MS: {
    kind: "duration",
    default: 3_600_000,
    min: 0,
    max: 86_400_000,
    description:
      "Time between two looks at the list of models of an upstream (`GET /models`), for vendors whose key is set and channels that serve `*`. 0: no list is read.",
  },
  NODE_LEASE_MS: {
    kind: "duration",
    default: 300_000,
    min: 10_000,
    max: 86_400_000,
    description: "Length of a lease of a node number for request IDs; a gateway renews it at a third.",
  },
});

/** Configuration from the environment. Throws ConfigError that names the variables at fault. */
export function envToConfig(env: Env): RoutingConfig {
  const read = routingEnv.read(env);
  return {
    databaseUrl: read.DATABASE_URL,
    databasePoolSize: read.DATABASE_POOL_SIZE,
    migrate: read.DATABASE_MIGRATE,
    file: read.THROUGHLINE_CONFIG,
    filePollMs: read.CONFIG_POLL_MS,
    pollMs: read.ROUTING_POLL_MS,
    simulatorUrl: read.SIMULATOR_URL,
    credentialKeys: read.CREDENTIAL_KEY === undefined ? undefined : parseCredentialKeys(read.CREDENTIAL_KEY),
    credentialKeyReset: read.CREDENTIAL_KEY_RESET,
    nodeLeaseMs: read.NODE_LEASE_MS,
    listEveryMs: read.MODEL_LIST_EVERY_MS,
    vendorEnv: env,
  };
}
