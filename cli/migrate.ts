import { envToConfig as billingConfig } from "../services/billing/config.ts";
import { openDatabase as openBilling } from "../services/billing/db/open.ts";
import { envToConfig as historyConfig } from "../services/history/config.ts";
import { migrations as historyMigrations } from "../services/history/db/migrations/index.ts";
import { envToConfig as jobsConfig } from "../services/jobs/config.ts";
import { openDatabase as openJobs } from "../services/jobs/db/open.ts";
import { envToConfig as routingConfig } from "../services/routing/config.ts";
import { openDatabase as openRouting } from "../services/routing/db/open.ts";
import { ConfigError, configLines, type Env, readEnv, readTogether } from "../shared/config.ts";
import { migrate as migrateSchema, UnreachableDatabase } from "../shared/db/index.ts";
import { createLog, flushLog, type Log } from "../shared/log.ts";
import { tell } from "../shared/log-output.ts";

const program = "throughline migrate";

/**
 * Brings the schemas of routing, billing, history and jobs at DATABASE_URL up to date. Gives the exit code. Mistakes of the
 * configuration, and a database that cannot be reached, are told in a line each.
 */
export async function migrate(given?: Env): Promise<number> {
  const log = createLog({ service: "migrate" });
  try {
    await migrateAll(given ?? readEnv(), log);
    log.info("the schemas are up to date");
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) {
      tell(configLines(program, error), "stderr");
      return 2;
    }
    if (error instanceof UnreachableDatabase) tell(`${program}: ${error.message}\n`, "stderr");
    else log.fatal({ err: error }, "could not migrate");
    return 1;
  } finally {
    await flushLog(log);
  }
}

async function migrateAll(env: Env, log: Log): Promise<void> {
  const [routing, billing, history, jobs] = readTogether(
    () => routingConfig(env),
    // No migration reads the pepper, so the job need not be given it.
    () => billingConfig({ KEY_PEPPER: "migrations hash nothing", ...env }),
    () => historyConfig(env),
    () => jobsConfig(env),
  );
  const routingDb = await openRouting({
    url: routing.databaseUrl,
    maxConnections: 1,
    migrate: true,
    log,
  });
  await routingDb.close();
  const billingDb = await openBilling({ ...billing, migrate: true }, log);
  await billingDb.close();
  await migrateSchema(history.databaseUrl, { schema: "history", migrations: historyMigrations, log });
  const jobsDb = await openJobs({ url: jobs.databaseUrl, maxConnections: 1, migrate: true, log });
  await jobsDb.close();
}
