import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GetRecordRequest, StoredRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { findByUpstream } from "../db/find-upstream.ts";
import { upstreamHash } from "../db/upstream-hash.ts";
import { owns, type Scope } from "../domain/owner.ts";
import { storedUserId } from "../domain/repair.ts";
import { allIds } from "../domain/times.ts";
import { windowsBackwards } from "../domain/windows.ts";
import { loadRecord, loadRecords } from "./load.ts";
import { scopeOf } from "./scope.ts";

/** Everything about one request. What is another owner's is answered as what is not there. */
export async function getRecord(context: HistoryContext, request: GetRecordRequest): Promise<{ record: StoredRecord }> {
  const scope = scopeOf(request.owner);
  const stored =
    request.requestId === 0n
      ? await byUpstreamRequestId(context, scope, request.upstreamRequestId)
      : await loadRecord(context, request.requestId);
  const record = stored?.record;
  if (
    stored === undefined ||
    record === undefined ||
    !owns(scope, { ...record, userId: storedUserId(record.userId) })
  ) {
    throw new ThroughlineError("not_found", "There is no such request.");
  }
  return { record: stored };
}

/** The newest request of the owner that the upstream gave this ID. */
async function byUpstreamRequestId(
  context: HistoryContext,
  scope: Scope,
  upstreamRequestId: string,
): Promise<StoredRecord | undefined> {
  const hash = upstreamHash(upstreamRequestId);
  if (hash === null) throw new ThroughlineError("invalid_value", "No ID is given.", { param: "request_id" });
  for (const range of windowsBackwards(allIds, { nowMs: context.nowMs(), firstMs: context.firstWindowMs })) {
    const ids = await findByUpstream(context.reader, hash, range, scope);
    for (const stored of await loadRecords(context, ids, context)) {
      const { record } = stored;
      // The text decides where it is still there: two texts may share a hash.
      const matches = stored.payloadExpired || record?.upstreamRequestId === upstreamRequestId;
      if (record !== undefined && matches && owns(scope, record)) return stored;
    }
  }
  return undefined;
}
