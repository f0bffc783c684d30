import type { Database } from "../../../shared/db/index.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Log } from "../../../shared/log.ts";
import { type PartitionedTable, storeInPartitions } from "../db/partitions.ts";
import { type EndedRow, storeEnded, storeUnfinished, type UnfinishedRow } from "../db/put.ts";
import type { Terms } from "../db/terms.ts";
import { latestOfEach, type Standing } from "../domain/standing.ts";
import type { PreparedEnded, PreparedUnfinished } from "./prepare.ts";

/** What storing needs. */
export interface StoreDeps {
  readonly db: Database<unknown>;
  readonly terms: Terms;
  readonly tables: readonly PartitionedTable[];
  readonly log: Pick<Log, "error">;
}

/** Errors of the items that could not be stored, by request ID. */
export type StoreFailures = Map<bigint, ThroughlineError>;

/** Stores ended records: one statement, unless an item is at fault. */
export async function putEnded(deps: StoreDeps, items: readonly PreparedEnded[]): Promise<StoreFailures> {
  const rows = await rowsOf(deps, items);
  return storeApart(deps, rows, (part: readonly EndedRow[]) => inPartitions(deps, part, storeEnded));
}

/** Stores running records likewise. */
export async function putUnfinished(deps: StoreDeps, items: readonly PreparedUnfinished[]): Promise<StoreFailures> {
  const rows = await rowsOf(deps, items);
  return storeApart(deps, rows, (part: readonly UnfinishedRow[]) => inPartitions(deps, part, storeUnfinished));
}

interface Prepared<R> {
  readonly standing: Standing;
  readonly terms: readonly string[];
  toRow(terms: Terms): R;
}

async function rowsOf<R>({ terms }: StoreDeps, items: readonly Prepared<R>[]): Promise<R[]> {
  const latest = latestOfEach(items);
  await terms.idsOf(new Set(latest.flatMap((item) => item.terms)));
  return latest.map((item) => item.toRow(terms));
}

function inPartitions<R extends { readonly request_id: bigint }>(
  deps: StoreDeps,
  rows: readonly R[],
  store: (db: StoreDeps["db"], rows: readonly R[]) => Promise<number>,
): Promise<void> {
  const ids = rows.map((row) => row.request_id);
  return storeInPartitions(deps, ids, () => store(deps.db, rows));
}

/**
 * Stores a batch; where PostgreSQL refuses a value, stores its halves, down to the item at fault, which alone fails. What
 * is not an item's fault (no connection, no time) fails the call, and all of it may be sent again.
 */
async function storeApart<R extends { readonly request_id: bigint }>(
  deps: StoreDeps,
  rows: readonly R[],
  store: (part: readonly R[]) => Promise<unknown>,
): Promise<StoreFailures> {
  const failures: StoreFailures = new Map();
  const parts: (readonly R[])[] = rows.length === 0 ? [] : [rows];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    try {
      await store(part);
    } catch (error) {
      if (error instanceof ThroughlineError) throw error;
      const [first] = part;
      if (part.length === 1 && first !== undefined) {
        deps.log.error({ err: error, request_id: first.request_id }, "a record could not be stored");
        failures.set(first.request_id, ThroughlineError.from(error));
      } else {
        const half = part.length >> 1;
        parts.push(part.slice(half), part.slice(0, half));
      }
    }
  }
  return failures;
}
