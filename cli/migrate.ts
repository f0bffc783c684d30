import { envToConfig as billingConfig } from "../services/billing/config.ts";
import { openDatabase as openBilling } from "../services/billing/db/open.ts";
import { envToConfig as historyConfig } from "../services/history/config.ts";
import { migrations as historyMigrations } from "../services/history/db/migrations/index.ts";
import { envToConfig as routingConfig } from "../services/routing/config.ts";
import { openDatabase as openRouting } from "../services/routing/db/open.ts";
import { ConfigError, type Env, readEnv } from "../shared/config.ts";
import { migrate as migrateSchema } from "../shared/db/index.ts";
import { createLog, flushLog, type Log } from "../shared/log.ts";

/** Brings the schemas of routing, billing and history at DATABASE_URL up to date. Gives the exit code. */
export async function migrate(): Promise<number> {
  const log = createLog({ service: "migrate" });
  try {
    await migrateAll(readEnv(), log);
    log.info("the schemas are up to date");
    return 0;
  } catch (error) {
    log.fatal({ err: error }, "could not migrate");
    return error instanceof ConfigError ? 2 : 1;
  } finally {
    await flushLog(log);
  }
}

async function migrateAll(env: Env, log: Log): Promise<void> {
  const routing = routingConfig(env);
  const routingDb = await openRouting({
    url: routing.databaseUrl,
    maxConnections: 1,
    migrate: true,
    log,
  });
  await routingDb.close();
  // No migration reads the pepper, so the job need not be given it.
  const billing = billingConfig({ KEY_PEPPER: "migrations hash nothing", ...env });
  const billingDb = await openBilling({ ...billing, migrate: true }, log);
  await billingDb.close();
  await migrateSchema(historyConfig(env).databaseUrl, { schema: "history", migrations: historyMigrations, log });
}
