import { gatewayEnv } from "../gateway/config.ts";
import { billingEnv } from "../services/billing/config.ts";
import { historyEnv } from "../services/history/config.ts";
import { jobsEnv } from "../services/jobs/config.ts";
import { providerEnv } from "../services/provider-adapter/config.ts";
import { routingEnv } from "../services/routing/config.ts";
import type { Env } from "../shared/config.ts";
import { processEnv } from "../shared/process-env.ts";
import { telemetryEnv } from "../shared/telemetry/index.ts";

/** The processes of a deployment. */
export type Role = "routing" | "history" | "billing" | "provider-adapter" | "jobs" | "gateway";

const everybody: readonly Role[] = ["routing", "history", "billing", "provider-adapter", "jobs", "gateway"];
const storing: readonly Role[] = ["routing", "history", "billing", "jobs"];

/** Who is given a secret, by its variable. Nobody else's environment holds it. */
export const secretRoles: Readonly<Record<string, readonly Role[]>> = {
  GRPC_SECRET: everybody,
  // This is the export to the trace collector.
  OTEL_EXPORTER_OTLP_HEADERS: everybody,
  DATABASE_URL: storing,
  KEY_PEPPER: ["billing"],
  VALKEY_URL: ["billing"],
  OBJECT_STORE_SECRET_ACCESS_KEY: ["jobs"],
  CREDENTIAL_KEY: ["routing", "provider-adapter", "jobs"],
  // Their addresses may hold a password. The lower-case spellings are nobody's setting, and so go to the provider alone.
  HTTPS_PROXY: ["provider-adapter"],
  HTTP_PROXY: ["provider-adapter"],
  // The command itself makes the first account with them.
  THROUGHLINE_BOOTSTRAP_KEY: [],
  THROUGHLINE_ADMIN_KEY: [],
};

const plainSettings: ReadonlySet<string> = new Set(
  [processEnv, telemetryEnv, gatewayEnv, billingEnv, historyEnv, jobsEnv, providerEnv, routingEnv].flatMap(
    ({ variables }) => Object.keys(variables),
  ),
);

/** What a process of Node needs of its surroundings, and what every process reads by itself. */
const surroundings =
  /^(PATH|HOME|USER|LOGNAME|SHELL|PWD|HOSTNAME|TMPDIR|TZ|LANG|LANGUAGE|LC_\w+|LD_\w+|NODE_\w+|UV_\w+|V8_\w+|OTEL_\w+|SSL_CERT_\w+|OPENSSL_\w+|FAKETIME\w*|TERM|NO_COLOR|FORCE_COLOR)$/;
/** Settings of PostgreSQL's clients, PGPASSWORD among them. */
const ofDatabase = /^PG[A-Z]+$/;

/** Stands for a vendor's key where only its being there matters. */
export const keyIsSet = "set";

/**
 * The environment of one role: its secrets, and settings that are none. What nobody declared may be a credential that the
 * configuration file names, so the provider alone gets it.
 *
 * @param vendorKeys variables of the vendors' keys. Routing is told which are set, not what they hold.
 */
export function roleEnv(role: Role, env: Env, vendorKeys: ReadonlySet<string>): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (vendorKeys.has(name) && role === "routing") {
      if (value.trim() !== "") given[name] = keyIsSet;
    } else if (receives(role, name)) given[name] = value;
  }
  return given;
}

function receives(role: Role, name: string): boolean {
  const roles = secretRoles[name];
  if (roles !== undefined) return roles.includes(role);
  if (plainSettings.has(name) || surroundings.test(name)) return true;
  if (ofDatabase.test(name)) return storing.includes(role);
  // Base URLs of vendors are no secrets, and routing makes the channels.
  if (/_BASE_URL$/.test(name) && role === "routing") return true;
  return role === "provider-adapter";
}
