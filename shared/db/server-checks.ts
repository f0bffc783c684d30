import type pg from "pg";
import { ConfigError } from "../config.ts";
import { connectTo, type Target } from "./connection.ts";

/** The first version that knows `grant ... with set`, by its number. */
const oldest = { number: 160_000, name: "16" };

/** Throws a ConfigError on a server that is older than what the migrations need, before they have written anything. */
export async function refuseOldServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: string; name: string }>(
    "select current_setting('server_version_num') as number, current_setting('server_version') as name",
  );
  const [{ number, name } = { number: "0", name: "?" }] = rows;
  if (Number(number) >= oldest.number) return;
  throw new ConfigError(
    "DATABASE_URL",
    `DATABASE_URL leads to PostgreSQL ${name}; Throughline needs ${oldest.name} or later. Nothing was written.`,
  );
}

/**
 * Throws a ConfigError behind a pooler that gives each transaction another session: locks, settings and the role of one
 * client would be another's. There two connections that are both idle are served by one process of PostgreSQL.
 */
export async function refuseSharedSessions(client: pg.Client, target: Target): Promise<void> {
  const other = await connectTo(target);
  try {
    const processes = new Set<number>();
    for (const one of [client, other]) {
      const { rows } = await one.query<{ pid: number }>("select pg_backend_pid() as pid");
      for (const { pid } of rows) processes.add(pid);
    }
    if (processes.size > 1) return;
  } finally {
    await other.end();
  }
  throw new ConfigError(
    "DATABASE_URL",
    "DATABASE_URL leads to a pooler in transaction mode, which does not keep a session's locks and settings: " +
      "use pool_mode = session, or the address of PostgreSQL itself. Nothing was written.",
  );
}
