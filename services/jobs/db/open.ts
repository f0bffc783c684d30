import { createDatabase, type Database, type DatabaseLog, migrate } from "../../../shared/db/index.ts";
import { migrations } from "./migrations/index.ts";

const schema = "jobs";
/** Most steps take milliseconds, and what is deleted goes a thousand rows at a time. A silent connection is given up 5 s later. */
const statementTimeoutMs = 10_000;

/** The database of jobs; all of its statements are prepared. */
export type JobsDatabase = Database<unknown>;

/** How to open it. */
export interface OpenOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** Runs the migrations first. */
  readonly migrate: boolean;
  readonly log: DatabaseLog;
}

/** Brings the schema up to date, if asked to, and opens the database. */
export async function openDatabase(options: OpenOptions): Promise<JobsDatabase> {
  const { url, maxConnections, log } = options;
  if (options.migrate) await migrate(url, { schema, migrations, log });
  return createDatabase<unknown>({
    ...{ url, schema, maxConnections, applicationName: "throughline jobs", log },
    ...{ statementTimeoutMs, lockTimeoutMs: statementTimeoutMs * 0.8 },
  });
}
