import type { Kysely } from "kysely";
import { createDatabase, type Database, type Statement } from "../../shared/db/index.ts";
import { silentLog } from "../../shared/db/testing.ts";
import { type HistoryContext, planning } from "./context.ts";

/** A step of a plan as EXPLAIN writes it; the numbers only where it was run. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  /** Rows of one loop. */
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Shared Hit Blocks"?: number;
  readonly "Shared Read Blocks"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Readers of history that note what is sent, to ask PostgreSQL for its plans. */
export interface Plans {
  readonly readers: Pick<HistoryContext, "reader" | "planningReader" | "summingReader">;
  /** For the test's own statements. */
  readonly db: Kysely<unknown>;
  /** The plans of all statements that a call sends, less the partitions that its values close; `run`: with figures. */
  of(call: () => Promise<unknown>, options?: { run: boolean }): Promise<PlanNode[]>;
  close(): Promise<void>;
}

/** Opens the readers of a service, each on one connection, planning as those of the service do. */
export function notePlans(url: string): Plans {
  const sent: { by: Database<unknown>; statement: Statement; values: readonly unknown[] }[] = [];
  const open = (settings: (typeof planning)[keyof typeof planning]): Database<unknown> =>
    createDatabase<unknown>({
      ...{ url, schema: "history", applicationName: "explain", maxConnections: 1, settings, log: silentLog },
    });
  const noting = (by: Database<unknown>): Database<unknown> =>
    Object.create(by, {
      query: {
        value: (statement: Statement, values: readonly unknown[]) => {
          sent.push({ by, statement, values });
          return by.query(statement, values);
        },
      },
      close: { value: async () => undefined },
    });
  const reader = open(planning.general);
  const planningReader = open(planning.byValues);
  const summingReader = open(planning.sums);
  return {
    readers: { reader: noting(reader), planningReader: noting(planningReader), summingReader: noting(summingReader) },
    db: reader.kysely,
    async of(call, { run } = { run: false }) {
      sent.length = 0;
      await call();
      const plans: PlanNode[] = [];
      for (const { by, statement, values } of [...sent]) plans.push(await planOf(by, statement, { values, run }));
      return plans;
    },
    async close() {
      await Promise.all([reader, planningReader, summingReader].map((database) => database.close()));
    },
  };
}

/** All steps of a plan. */
export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** The plan that a prepared statement of the only connection runs by. */
async function planOf(
  db: Database<unknown>,
  { name }: Statement,
  { values, run }: { values: readonly unknown[]; run: boolean },
): Promise<PlanNode> {
  const [prepared] = await db.query<{ types: string }>(
    unnamed("select array_to_string(parameter_types, '|') as types from pg_prepared_statements where name = $1"),
    [name],
  );
  const types = prepared?.types.split("|") ?? [];
  // EXECUTE takes no parameters, so each value is written out.
  const [row] = await db.query<{ literals: string }>(
    unnamed(
      `select concat_ws(', ', ${types.map((type, n) => `quote_nullable($${n + 1}::${type}::text)`)}) as literals`,
    ),
    values,
  );
  const how = run ? "analyze, buffers, timing off" : "costs off";
  const explain = `explain (format json, ${how}) execute "${name}" (${row?.literals})`;
  const [plan] = await db.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(unnamed(explain), []);
  const root = plan?.["QUERY PLAN"][0]?.Plan;
  if (root === undefined) throw new Error(`${name} has no plan`);
  return root;
}

/** Not prepared, so that no name is taken. */
const unnamed = (sql: string): Statement => ({ name: "", sql, idempotent: true });
