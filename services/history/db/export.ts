import { type Database, type Statement, statement } from "../../../shared/db/index.ts";
import type { Scope } from "../domain/owner.ts";
import type { Place } from "../domain/place.ts";
import type { IdRange } from "../domain/times.ts";
import { waitForBatches } from "./batches.ts";
import { createParameters, scopeConditions } from "./branches.ts";
import { conditionsOf, type ScanFilter } from "./scan.ts";

type Reader = Pick<Database<unknown>, "query">;

/** A sequence of which nothing was taken yet has the number that comes first as its last one. */
const readLast = statement(
  "history.export.last",
  "select case when is_called then last_value else last_value - 1 end as last from history.stored_seq",
  { idempotent: true },
);
const readPlace = statement("history.export.place", "select stored from history.record where request_id = $1", {
  idempotent: true,
});

/**
 * The last batch of which it is sure that all up to it are there: batches end in another order than they begin, so those
 * that had begun are waited for.
 */
export async function lastBatch(db: Reader): Promise<bigint> {
  const [row] = await db.query<{ last: bigint }>(readLast, []);
  await waitForBatches(db);
  return row?.last ?? 0n;
}

/** The place of a request's record; undefined: there is none. */
export async function placeOf(db: Reader, requestId: bigint): Promise<Place | undefined> {
  const [row] = await db.query<{ stored: bigint }>(readPlace, [requestId]);
  return row && { stored: row.stored, requestId };
}

/** Which records are walked through. */
export interface ExportWalk {
  readonly scope: Scope;
  readonly range: IdRange;
  /** States of ended requests, one or several. */
  readonly statuses: readonly number[];
  readonly filter: ScanFilter;
  /** They come behind this place, and up to the batch `upTo`. */
  readonly behind: Place;
  readonly upTo: bigint;
}

/** What a step of the walk gave. */
export interface ExportStep {
  /** Places of the records that match, in order. */
  readonly found: readonly Place[];
  /** Records looked at; fewer than the limit: there are no more. */
  readonly passed: number;
  /** The last of them. */
  readonly last: Place | undefined;
}

const prepared = new Map<string, Statement>();

/** Looks at the next `scanLimit` records behind a place, and gives at most `limit` of those that match. */
export async function exportStep(
  db: Reader,
  { scope, range, statuses, filter, behind, upTo }: ExportWalk,
  { limit, scanLimit }: { limit: number; scanLimit: number },
): Promise<ExportStep> {
  const parameters = createParameters();
  const { add } = parameters;
  const stored = add(behind.stored, "bigint");
  const requestId = add(behind.requestId, "bigint");
  const range_ = `x.request_id >= ${add(range.from, "bigint")} and x.request_id < ${add(range.to, "bigint")}`;
  const where = `x.stored >= ${stored} and x.stored <= ${add(upTo, "bigint")}
         and (x.stored, x.request_id) > (${stored}, ${requestId})`;
  const order = "stored, request_id";
  const backwards = "stored desc, request_id desc";
  const conditions = [
    `x.status = any(${add(statuses, "smallint[]")})`,
    ...scopeConditions(scope, add),
    ...conditionsOf(filter, parameters, "x.request_id"),
  ];
  const sql = `select count(*)::integer as passed,
      (array_agg(x.stored order by ${order}) filter (where ${conditions.join(" and ")}))[1:${add(limit, "integer")}] as places,
      (array_agg(x.request_id order by ${order}) filter (where ${conditions.join(" and ")}))[1:${add(limit, "integer")}] as ids,
      (array_agg(x.stored order by ${backwards}))[1] as last_stored,
      (array_agg(x.request_id order by ${backwards}))[1] as last_id
    from (select request_id, stored, account_id, key_id, user_id, shape_id, outcome_id, status from history.record x
           where ${where} and ${range_} order by ${order} limit ${add(scanLimit, "bigint")}) as x`;
  const [row] = await db.query<StepRow>(named(sql), parameters.values);
  const ids = row?.ids ?? [];
  const found = ids.map((id, index) => ({ stored: row?.places?.[index] ?? 0n, requestId: id }));
  const last = row?.last_id == null ? undefined : { stored: row.last_stored ?? 0n, requestId: row.last_id };
  return { found, passed: row?.passed ?? 0, last };
}

interface StepRow {
  passed: number;
  places: bigint[] | null;
  ids: bigint[] | null;
  last_stored: bigint | null;
  last_id: bigint | null;
}

function named(sql: string): Statement {
  const known = prepared.get(sql) ?? statement(`history.export.${prepared.size}`, sql, { idempotent: true });
  prepared.set(sql, known);
  return known;
}
