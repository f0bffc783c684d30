import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../shared/errors/error.ts";
import {
  type HistoryService,
  type RecordFilterSchema,
  RecordStatus,
  type StoredRecord,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt, toParts } from "../../shared/request-id.ts";
import type { CallOptions, ServiceClient } from "../../shared/rpc/index.ts";
import type { Owner } from "../endpoints/history-query.ts";
import { recordOf } from "../view/history-item.ts";

const pollEveryMs = 500;
/** A key that was revoked reads on for no longer than this. */
const askAgainMs = 2_000;
/** A record may come this much later than a younger one: it is shown at its end, or as running after 300 ms. */
const lateMs = 5_000;
const pageSize = 500;
/** Most running requests whose end is waited for. */
const maxRunning = 100;

/** What a tail follows. */
export interface TailSource {
  readonly owner: Owner;
  readonly filter: MessageInitShape<typeof RecordFilterSchema>;
  /** The highest request that was seen; undefined: from now on. Those shortly before it are given again. */
  readonly after: bigint | undefined;
  /** Throws once the caller may no longer read. */
  mayStill(): Promise<void>;
}

/**
 * Records as history gets them. Their IDs do not come in order, so each poll goes back a little and passes over what was
 * given already; a request that was given as running is asked for again until it has ended.
 */
export async function* tailRecords(
  history: Pick<ServiceClient<typeof HistoryService>, "listRecords" | "getRecord">,
  { owner, filter, after, mayStill }: TailSource,
  signal: AbortSignal,
  options: CallOptions,
): AsyncGenerator<StoredRecord> {
  const seen = new Map<bigint, RecordStatus>();
  // Records that came late while nobody listened lie before the last one that was seen.
  let cursor = firstIdAt(after === undefined ? Date.now() : toParts(after).unixMs - lateMs);
  let askedMs = performance.now();
  while (!signal.aborted) {
    if (performance.now() - askedMs > askAgainMs) {
      await mayStill();
      askedMs = performance.now();
    }
    const found = await history.listRecords({ owner, filter, cursor, limit: pageSize, ascending: true }, options);
    for (const stored of [...(await ended(history, owner, seen, options)), ...found.records]) {
      const { requestId, status } = recordOf(stored);
      if (seen.get(requestId) === status) continue;
      seen.set(requestId, status);
      yield stored;
    }
    const settled = firstIdAt(Date.now() - lateMs);
    if (found.nextCursor !== 0n && found.nextCursor < settled) {
      cursor = found.nextCursor;
    } else {
      if (settled > cursor) cursor = settled;
      await sleep(pollEveryMs, undefined, { signal }).catch(() => undefined);
    }
    for (const [id, status] of seen) if (id < cursor && status !== RecordStatus.PROCESSING) seen.delete(id);
  }
}

/** Those that were given as running and have ended since. */
async function ended(
  history: Pick<ServiceClient<typeof HistoryService>, "getRecord">,
  owner: Owner,
  seen: Map<bigint, RecordStatus>,
  options: CallOptions,
): Promise<StoredRecord[]> {
  const running = [...seen].flatMap(([id, status]) => (status === RecordStatus.PROCESSING ? [id] : []));
  for (const id of running.slice(0, -maxRunning)) seen.delete(id);
  const now = await Promise.all(
    running.slice(-maxRunning).map(async (requestId) => {
      try {
        return (await history.getRecord({ owner, requestId }, options)).record ?? [];
      } catch (error) {
        if (ThroughlineError.from(error).code !== "not_found") throw error;
        seen.delete(requestId);
        return [];
      }
    }),
  );
  return now.flat().filter((stored) => recordOf(stored).status !== RecordStatus.PROCESSING);
}
