import { type Database, type Statement, statement } from "../../../shared/db/index.ts";
import { createParameters, type Walk, walkSql } from "./branches.ts";

/** What a seek in one window found. */
export interface Found {
  /** Records passed, those before the offset included; at most offset + limit. */
  readonly passed: number;
  /** The IDs behind the offset, in order. */
  readonly ids: readonly bigint[];
  /** Whether any of the records passed is of a request that runs. */
  readonly running: boolean;
}

const nothing: Found = { passed: 0, ids: [], running: false };
const prepared = new Map<string, Statement>();

/** Passes over `offset` records of a walk and gives the IDs of the next `limit`. Reads index entries, no rows of records. */
export async function seek(
  db: Pick<Database<unknown>, "query">,
  walk: Walk,
  { offset, limit }: { offset: number; limit: number },
): Promise<Found> {
  const parameters = createParameters();
  const walked = walkSql(walk, parameters, { columns: "x.request_id, false as running", limit: offset + limit });
  if (walked === undefined) return nothing;
  const direction = walk.ascending ? "asc" : "desc";
  const slice = `[${parameters.add(offset + 1, "integer")}:${parameters.add(offset + limit, "integer")}]`;
  const sql = `select count(*)::integer as passed, coalesce(bool_or(running), false) as running,
       (array_agg(request_id order by request_id ${direction}))${slice} as ids
     from (${walked}) as walked`;
  const [row] = await db.query<{ passed: number; running: boolean; ids: bigint[] | null }>(
    named(sql),
    parameters.values,
  );
  return { passed: row?.passed ?? 0, ids: row?.ids ?? [], running: row?.running ?? false };
}

/** One statement for each text; there are at most a few hundred. */
function named(sql: string): Statement {
  const known = prepared.get(sql);
  if (known !== undefined) return known;
  const fresh = statement(`history.seek.${prepared.size}`, sql, { idempotent: true });
  prepared.set(sql, fresh);
  return fresh;
}
