import type { Queryable } from "../../../shared/db/index.ts";
import { type NodeWindow, nextWindow, releasedWindow, renewedWindow } from "../domain/leases.ts";
import type { RoutingDatabase } from "./open.ts";
import type { RoutingSchema } from "./schema.ts";

/**
 * Leases a number that is free, one whose window has ended if there is any. Undefined when all are taken. Concurrent
 * calls get different numbers: each skips what another has locked.
 */
export function leaseNode(
  db: RoutingDatabase,
  holder: string,
  nowMs: number,
  leaseMs: number,
): Promise<NodeWindow | undefined> {
  return db.transaction(async (trx) => {
    const row = await trx.kysely
      .selectFrom("node_lease")
      .selectAll()
      .where((where) => where.or([where("holder", "=", ""), where("valid_until_ms", "<=", BigInt(nowMs))]))
      // The longest unused first: ended windows before running ones, and each number rests as long as it can.
      .orderBy("valid_until_ms")
      .orderBy("node")
      .limit(1)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    return row && write(trx, nextWindow(fromRow(row), holder, nowMs, leaseMs));
  });
}

/** Renews a holder's number. Undefined when it is no longer the holder's. */
export function renewNode(
  db: RoutingDatabase,
  node: number,
  holder: string,
  nowMs: number,
  leaseMs: number,
): Promise<NodeWindow | undefined> {
  return change(db, node, (window) => renewedWindow(window, holder, nowMs, leaseMs));
}

/** Gives a holder's number back; nothing happens when it is not the holder's. Undefined when there is no such number. */
export function releaseNode(db: RoutingDatabase, node: number, holder: string): Promise<NodeWindow | undefined> {
  return change(db, node, (window) => releasedWindow(window, holder));
}

function change(db: RoutingDatabase, node: number, make: (window: NodeWindow) => NodeWindow | undefined) {
  return db.transaction(async (trx) => {
    const row = await trx.kysely
      .selectFrom("node_lease")
      .selectAll()
      .where("node", "=", node)
      .forUpdate()
      .executeTakeFirst();
    const window = row && make(fromRow(row));
    return window && write(trx, window);
  });
}

async function write(trx: Queryable<RoutingSchema>, window: NodeWindow): Promise<NodeWindow> {
  await trx.kysely
    .updateTable("node_lease")
    .set({
      holder: window.holder,
      valid_from_ms: BigInt(window.validFromMs),
      valid_until_ms: BigInt(window.validUntilMs),
    })
    .where("node", "=", window.node)
    .execute();
  return window;
}

function fromRow(row: { node: number; holder: string; valid_from_ms: bigint; valid_until_ms: bigint }): NodeWindow {
  return {
    node: row.node,
    holder: row.holder,
    validFromMs: Number(row.valid_from_ms),
    validUntilMs: Number(row.valid_until_ms),
  };
}
