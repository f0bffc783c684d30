import { type Database, type Statement, statement } from "../../../shared/db/index.ts";
import { createParameters, type Walk, walkSql } from "./branches.ts";

/** What a seek in one window found. */
export interface Found {
  /** Records passed, those before the offset included; fewer than `most`: there are no more. */
  readonly passed: number;
  /** The last of them; 0: none. */
  readonly last: bigint;
  /** The IDs behind the offset, in order. */
  readonly ids: readonly bigint[];
  /** Whether any of the records passed is of a request that runs. */
  readonly running: boolean;
}

const nothing: Found = { passed: 0, last: 0n, ids: [], running: false };
const prepared = new Map<string, Statement>();

/**
 * Passes over `offset` records of a walk and gives the IDs of the next `limit`, at most `most` records in all. Reads index entries, no rows
 * of records.
 */
export async function seek(
  db: Pick<Database<unknown>, "query">,
  walk: Walk,
  { offset, limit, most }: { offset: number; limit: number; most: number },
): Promise<Found> {
  const parameters = createParameters();
  const walked = walkSql(walk, parameters, { columns: "x.request_id, false as running", limit: most });
  if (walked === undefined) return nothing;
  const direction = walk.ascending ? "asc" : "desc";
  const slice = `[${parameters.add(offset + 1, "integer")}:${parameters.add(offset + limit, "integer")}]`;
  const sql = `select count(*)::integer as passed, coalesce(bool_or(running), false) as running,
       coalesce(${walk.ascending ? "max" : "min"}(request_id), 0) as last,
       (array_agg(request_id order by request_id ${direction}))${slice} as ids
     from (${walked}) as walked`;
  const [row] = await db.query<{ passed: number; running: boolean; last: bigint; ids: bigint[] | null }>(
    named(sql),
    parameters.values,
  );
  if (row === undefined) return nothing;
  return { ...row, ids: row.ids ?? [] };
}

/** One statement for each text; there are at most a few hundred. */
function named(sql: string): Statement {
  const known = prepared.get(sql);
  if (known !== undefined) return known;
  const fresh = statement(`history.seek.${prepared.size}`, sql, { idempotent: true });
  prepared.set(sql, fresh);
  return fresh;
}
