import type { Queryable } from "./database.ts";
import { statement } from "./statement.ts";

const ask = statement("takes_writes", "select current_setting('transaction_read_only') = 'off' as writable", {
  idempotent: true,
});

/**
 * Whether the database answers and takes writes, for the readiness of a service that lives by them. A standby, and a
 * server that was made read-only for a fail-over, answer every query and refuse every request.
 */
export async function takesWrites(db: Pick<Queryable<unknown>, "query">): Promise<boolean> {
  const [row] = await db.query<{ writable: boolean }>(ask, []);
  return row?.writable === true;
}
