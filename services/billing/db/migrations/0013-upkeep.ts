import { statements } from "./statements.ts";

/**
 * Vacuum of the tables that change most takes its time, as it does everywhere else: without any pause it held a core for as long as
 * it ran, beside the requests of that time. It does not give pages back to the system either: for that it locks the table against
 * every reservation, and the same pages are filled again within seconds.
 */
export const slowVacuum = statements(
  ...["account", "reservation"].map(
    (table) => `alter table billing.${table} set (autovacuum_vacuum_cost_delay = 2, autovacuum_vacuum_cost_limit = 200,
      vacuum_truncate = off)`,
  ),
);
