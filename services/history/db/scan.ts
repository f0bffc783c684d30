import { type Database, integerArray, type Statement, statement } from "../../../shared/db/index.ts";
import type { Way } from "../domain/ways.ts";
import { createParameters, type Parameters, type Walk, walkSql } from "./branches.ts";
import { labelledSql, type WantedLabel } from "./labels.ts";

/** What is looked at with each record. Ids are of history.term; undefined: any. */
export type ScanFilter = Partial<Way<WantedLabel>["filter"]>;

/** What a scan of one window found. */
export interface Scanned {
  /** IDs that match, in order, at most the limit. */
  readonly ids: readonly bigint[];
  /** Records looked at; fewer than the limit of a scan: the window is done. */
  readonly passed: number;
  /** The last of them; 0: none. */
  readonly last: bigint;
}

const prepared = new Map<string, Statement>();

/**
 * Looks at the next `scanLimit` records of a walk and gives the first `limit` IDs of those that match.
 *
 * @param along the label of the filter along whose index the walk goes; undefined: it goes along the records.
 */
export async function scan(
  db: Pick<Database<unknown>, "query">,
  walk: Walk,
  {
    filter,
    along,
    limit,
    scanLimit,
  }: { filter: ScanFilter; along: WantedLabel | undefined; limit: number; scanLimit: number },
): Promise<Scanned> {
  const parameters = createParameters();
  const columns = "x.request_id, x.shape_id, x.outcome_id, x.key_id, x.user_id, x.status";
  // Along the primary key all states lie mixed: one state alone would pass any number of the other's until the limit.
  const mixed = walk.scope.kind === "operator" && walk.only === undefined && walk.statuses.some(isEnded);
  const statuses = mixed ? [...walk.statuses.filter((status) => !isEnded(status)), ...ended] : walk.statuses;
  const walked =
    along === undefined
      ? walkSql({ ...walk, statuses }, parameters, { columns, limit: scanLimit })
      : labelledSql(walk, parameters, { label: along, limit: scanLimit });
  if (walked === undefined) return { ids: [], passed: 0, last: 0n };
  const direction = walk.ascending ? "asc" : "desc";
  const conditions = [
    // Labels know their account; all else, and whether there is one, the record says.
    ...(along === undefined ? [] : ["status is not null"]),
    ...((along !== undefined && walk.statuses.length > 0) || mixed
      ? [`status = any(${parameters.add(walk.statuses, "smallint[]")})`]
      : []),
    ...conditionsOf(filter, parameters, "walked.request_id"),
  ];
  const matching = conditions.length === 0 ? "" : `filter (where ${conditions.join(" and ")})`;
  const sql = `select count(*)::integer as passed, coalesce(${walk.ascending ? "max" : "min"}(request_id), 0) as last,
      (array_agg(request_id order by request_id ${direction}) ${matching})[1:${parameters.add(limit, "integer")}] as ids
     from (${walked}) as walked`;
  const [row] = await db.query<{ passed: number; last: bigint; ids: bigint[] | null }>(named(sql), parameters.values);
  return { passed: row?.passed ?? 0, last: row?.last ?? 0n, ids: row?.ids ?? [] };
}

const ended: readonly number[] = [4, 5];

function isEnded(status: number): boolean {
  return ended.includes(status);
}

/**
 * The conditions of a filter over the columns shape_id, outcome_id, key_id and user_id.
 *
 * @param requestId the column with the ID, where labels are asked for.
 */
export function conditionsOf(filter: ScanFilter, { add }: Parameters, requestId = ""): string[] {
  const conditions: string[] = [];
  if (filter.shapeIds !== undefined)
    conditions.push(`shape_id = any(${add(integerArray(filter.shapeIds), "integer[]")})`);
  if (filter.outcomeIds !== undefined) {
    conditions.push(`outcome_id = any(${add(integerArray(filter.outcomeIds), "integer[]")})`);
  }
  if (filter.keyId !== undefined) conditions.push(`key_id = ${add(filter.keyId, "bigint")}`);
  if (filter.userId !== undefined) conditions.push(`user_id = ${add(filter.userId, "text")}`);
  for (const { kind, hash, value } of filter.labels ?? []) {
    conditions.push(
      `exists (select from history.label l where l.request_id = ${requestId} and l.kind = ${add(kind, "smallint")}
         and l.hash = ${add(hash, "bigint")} and l.value = ${add(value, "text")})`,
    );
  }
  return conditions;
}

function named(sql: string): Statement {
  const known = prepared.get(sql);
  if (known !== undefined) return known;
  const fresh = statement(`history.scan.${prepared.size}`, sql, { idempotent: true });
  prepared.set(sql, fresh);
  return fresh;
}
