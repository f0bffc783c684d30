import { expect, test } from "vitest";
import { openDatabase as openBilling } from "../../services/billing/db/open.ts";
import { envToConfig as historyConfig } from "../../services/history/config.ts";
import { createPageContext } from "../../services/history/context.ts";
import { openDatabase as openJobs } from "../../services/jobs/db/open.ts";
import { openDatabase as openRouting } from "../../services/routing/db/open.ts";
import { statement } from "../../shared/db/index.ts";
import { silentLog, testPostgres } from "../../shared/db/testing.ts";
import type { Log } from "../../shared/log.ts";

/** A connection that fell silent is given up when a statement has run for longer than the server allows it, and 5 s. */
const allowed = statement("allowed", "select setting::int as ms from pg_settings where name = 'statement_timeout'");

test("no service that requests wait for waits longer than 15 s for a connection that fell silent", async () => {
  await using postgres = await testPostgres();
  const { url } = postgres;
  const log = silentLog as Log;
  const config = { databaseUrl: url, databasePoolSize: 2, migrate: true };
  const open = { url, maxConnections: 2, migrate: false, log };
  const history = createPageContext(historyConfig({ DATABASE_URL: url }), { log }, 1);
  const databases = {
    billing: await openBilling(config as never, log),
    routing: await openRouting({ ...open, migrate: true }),
    jobs: await openJobs(open),
    history: history.db,
    pages: history.reader,
    plannedPages: history.planningReader,
  };
  for (const [name, db] of Object.entries(databases)) {
    const [row] = await db.query<{ ms: number }>(allowed, []);
    expect(row?.ms, name).toBe(10_000);
    await db.close();
  }
});
