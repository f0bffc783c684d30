import { type Insertable, sql } from "kysely";
import type { Database, Queryable } from "../../../shared/db/index.ts";
import type { AdministrationTable, BillingSchema } from "./schema.ts";

/** Which events, and from where on. */
export interface TrailPage {
  /** Only events before this one; 0n: from the newest. */
  readonly before: bigint;
  readonly limit: number;
  /** Empty: all. */
  readonly procedure: string;
  /** 0n: all. */
  readonly actorKeyId: bigint;
  /** Empty: all. */
  readonly target: string;
  /** 0n: all. */
  readonly actorAccountId: bigint;
  /** Unix milliseconds, inclusive; 0n: no bound. */
  readonly fromMs: bigint;
  /** Unix milliseconds, exclusive; 0n: no bound. */
  readonly toMs: bigint;
}

/** Enters an event; gives its number. */
export async function insertEvent(
  db: Queryable<BillingSchema>,
  event: Insertable<AdministrationTable>,
): Promise<bigint> {
  const row = await db.kysely
    .insertInto("administration")
    .values(event)
    .returning("event_id")
    .executeTakeFirstOrThrow();
  return row.event_id;
}

/**
 * Enters an event unless there is one of the same procedure about the same target; gives the number of the one that is there. Under a lock
 * of both, for a conflict of an index would be found when the event has its place in the chain.
 */
export function insertOnce(db: Database<BillingSchema>, event: Insertable<AdministrationTable>): Promise<bigint> {
  return db.transaction(async (trx) => {
    const place = `administration ${event.procedure} ${event.target}`;
    await sql`select pg_advisory_xact_lock(hashtextextended(${place}, 0))`.execute(trx.kysely);
    const known = await trx.kysely
      .selectFrom("administration")
      .select("event_id")
      .where("target", "=", event.target)
      .where("procedure", "=", event.procedure)
      .orderBy("event_id", "desc")
      .limit(1)
      .executeTakeFirst();
    return known?.event_id ?? (await insertEvent(trx, event));
  });
}

/** A page of events, newest first. */
export function listEvents(
  db: Queryable<BillingSchema>,
  { before, limit, procedure, actorKeyId, target, actorAccountId, fromMs, toMs }: TrailPage,
) {
  let query = db.kysely
    .selectFrom("administration")
    .selectAll()
    .select(sql<bigint>`(extract(epoch from created_at) * 1000000)::bigint`.as("created_us"))
    .orderBy("event_id", "desc")
    .limit(limit);
  if (before !== 0n) query = query.where("event_id", "<", before);
  if (procedure !== "") query = query.where("procedure", "=", procedure);
  if (actorKeyId !== 0n) query = query.where("actor_key_id", "=", actorKeyId);
  if (target !== "") query = query.where("target", "=", target);
  if (actorAccountId !== 0n) query = query.where("actor_account_id", "=", actorAccountId);
  if (fromMs !== 0n) query = query.where("created_at", ">=", new Date(Number(fromMs)));
  if (toMs !== 0n) query = query.where("created_at", "<", new Date(Number(toMs)));
  return query.execute();
}
