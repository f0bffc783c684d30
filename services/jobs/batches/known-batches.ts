import { fromBinary } from "@bufbuild/protobuf";
import { LRUCache } from "lru-cache";
import { type InvokeItem, InvokeItemSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { readBatchRoutes } from "../db/batch-routes.ts";
import { type BatchSaid, batchFacts } from "../db/batches.ts";
import type { JobsDatabase } from "../db/open.ts";

/** What all lines of a batch share. */
export interface KnownBatch {
  readonly said: BatchSaid;
  readonly routes: ReadonlyMap<number, InvokeItem>;
}

/** Batches that were looked at last; their routes never change. */
export interface KnownBatches {
  /** Undefined: it is gone. */
  of(batchId: bigint): Promise<KnownBatch | undefined>;
}

const mostKnown = 200;

/** Creates the memory of a process. */
export function createKnownBatches(db: JobsDatabase): KnownBatches {
  const known = new LRUCache<bigint, KnownBatch>({ max: mostKnown });
  return {
    async of(batchId) {
      const before = known.get(batchId);
      if (before !== undefined) return before;
      const said = await batchFacts(db, batchId);
      if (said === undefined) return undefined;
      const rows = await readBatchRoutes(db, batchId);
      const routes = new Map(rows.map(({ number, item }) => [number, fromBinary(InvokeItemSchema, item)]));
      const found = { said, routes };
      known.set(batchId, found);
      return found;
    },
  };
}
