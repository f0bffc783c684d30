import { byteaArray, integerArray, statement } from "../../../shared/db/index.ts";
import type { JobsDatabase } from "./open.ts";

const insertRoutes = statement(
  "jobs_batch_routes",
  `insert into jobs.batch_route (batch_id, number, item) select $1, r.number, r.item
   from unnest($2::integer[], $3::bytea[]) as r (number, item) on conflict do nothing`,
  { idempotent: true },
);

/** Keeps routes of a batch. */
export async function insertBatchRoutes(
  db: JobsDatabase,
  batchId: bigint,
  routes: readonly { readonly number: number; readonly item: Uint8Array }[],
): Promise<void> {
  const numbers = integerArray(routes.map(({ number }) => number));
  await db.query(insertRoutes, [batchId, numbers, byteaArray(routes.map(({ item }) => item))]);
}

const readRoutes = statement(
  "jobs_batch_routes_read",
  "select number, item from jobs.batch_route where batch_id = $1",
  {
    idempotent: true,
  },
);

/** The routes of a batch. */
export function readBatchRoutes(db: JobsDatabase, batchId: bigint): Promise<{ number: number; item: Buffer }[]> {
  return db.query<{ number: number; item: Buffer }>(readRoutes, [batchId]);
}
