import { createDatabase, type Database, type DatabaseLog, migrate } from "../../../shared/db/index.ts";
import { routing } from "./migrations/0001-routing.ts";
import { rates } from "./migrations/0002-rates.ts";
import { listings } from "./migrations/0003-listings.ts";
import { listPrices } from "./migrations/0004-list-prices.ts";
import { lastFailures } from "./migrations/0005-last-failures.ts";
import type { RoutingSchema } from "./schema.ts";

/** Schema of PostgreSQL that holds all of routing's tables. */
export const schema = "routing";
/** Its tables are small. A silent connection is given up 5 s later. */
const statementTimeoutMs = 10_000;

/** Routing's database. */
export type RoutingDatabase = Database<RoutingSchema>;

/** How to open it. */
export interface OpenOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** Runs the migrations first. */
  readonly migrate: boolean;
  readonly log: DatabaseLog;
}

/** Brings the schema up to date, if asked to, and opens the database. */
export async function openDatabase({
  url,
  maxConnections,
  migrate: migrating,
  log,
}: OpenOptions): Promise<RoutingDatabase> {
  const migrations = {
    "0001_routing": routing,
    "0002_rates": rates,
    "0003_listings": listings,
    "0004_list_prices": listPrices,
    "0005_last_failures": lastFailures,
  };
  if (migrating) await migrate(url, { schema, migrations, log });
  return createDatabase<RoutingSchema>({
    ...{ url, schema, maxConnections, applicationName: "throughline routing", log },
    ...{ statementTimeoutMs, lockTimeoutMs: statementTimeoutMs * 0.8 },
  });
}
