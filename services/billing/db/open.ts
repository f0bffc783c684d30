import { createDatabase, type Database, migrate } from "../../../shared/db/index.ts";
import type { Log } from "../../../shared/log.ts";
import type { BillingConfig } from "../config.ts";
import { migrations } from "./migrations/index.ts";
import type { BillingSchema } from "./schema.ts";

/** The role that the service works as: it may not change or remove what the ledger holds. Named in the migrations. */
const role = "throughline_billing";
const schema = "billing";

/**
 * A statement that is not through after so long is answered with 503. The reconciler relies on it: an entry is visible
 * well before it is as old as the reconciler's lag.
 */
export const statementTimeoutMs = 10_000;
/** A sum or a step of what keeps them; a call's own deadline comes sooner. */
const reportTimeoutMs = 60_000;
/** Connections for sums: two of callers and one of the job that keeps the sums. */
export const reportsAtOnce = 2;
const auditTimeoutMs = 6 * 3_600_000;

/** Opens billing's database, brought up to date first unless the configuration says otherwise. */
export async function openDatabase(config: BillingConfig, log: Log): Promise<Database<BillingSchema>> {
  const { databaseUrl: url } = config;
  if (config.migrate) await migrate(url, { schema, role, migrations, log });
  return createDatabase<BillingSchema>({
    url,
    schema,
    role,
    maxConnections: config.databasePoolSize,
    applicationName: "throughline billing",
    statementTimeoutMs,
    lockTimeoutMs: statementTimeoutMs * 0.8,
    log,
  });
}

/** Opens the database for sums. Nothing is connected before the first statement. */
export function openReports(
  { databaseUrl: url }: Pick<BillingConfig, "databaseUrl">,
  log: Log,
): Database<BillingSchema> {
  return createDatabase<BillingSchema>({
    url,
    schema,
    role,
    maxConnections: reportsAtOnce + 1,
    applicationName: "throughline billing reports",
    statementTimeoutMs: reportTimeoutMs,
    log,
  });
}

/** Opens the database for an audit, which may read for hours. Nothing is connected before the first statement. */
export function openAuditDatabase(
  { databaseUrl: url }: Pick<BillingConfig, "databaseUrl">,
  log: Log,
): Database<BillingSchema> {
  return createDatabase<BillingSchema>({
    url,
    schema,
    role,
    maxConnections: 1,
    applicationName: "throughline billing audit",
    statementTimeoutMs: auditTimeoutMs,
    settings: {
      default_transaction_read_only: "on",
      // By one process: with two more an audit took both cores, chat beside it 67 ms at p99, and it was through no sooner.
      max_parallel_workers_per_gather: "0",
      // With PostgreSQL's usual few megabytes the sums of a portion would be written to disk.
      work_mem: "64MB",
      // It expects more prices and labels than there are, and puts 150,000 entries into order for them: a fifth of the time of charges.
      enable_mergejoin: "off",
    },
    log,
  });
}
