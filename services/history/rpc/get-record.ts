import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  GetRecordRequest,
  GetRecordResponseSchema,
  StoredRecord,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { isBuried } from "../db/delete.ts";
import { findByUpstream } from "../db/find-upstream.ts";
import { findByAlias, maxFound, readLabels } from "../db/labels.ts";
import { unpackPayload } from "../db/payload.ts";
import { readRequest } from "../db/requests.ts";
import { upstreamHash } from "../db/upstream-hash.ts";
import { owns, type Scope, toOwned } from "../domain/owner.ts";
import { storedUserId } from "../domain/repair.ts";
import { allIds } from "../domain/times.ts";
import { windowsBackwards } from "../domain/windows.ts";
import { loadRecord, loadRecords, showLabels } from "./load.ts";
import { scopeOf } from "./scope.ts";

/**
 * Everything about one request. What is another owner's is answered as what is not there.
 *
 * @param hurry lets go the records that linger: the one that is asked for may be among them, and who asks looks again.
 */
export async function getRecord(
  context: HistoryContext,
  { owner, requestId, upstreamRequestId, alias, tellsDeleted, withRequest }: GetRecordRequest,
  hurry: () => void,
): Promise<MessageInitShape<typeof GetRecordResponseSchema>> {
  const scope = scopeOf(owner);
  if (requestId === 0n) {
    const [record, ...others] = await byForeignId(context, scope, { upstreamRequestId, alias });
    if (record === undefined) throw unknown();
    const said = withRequest ? await requestOf(context, record) : {};
    return { record, others: others.map((other) => other.record?.requestId ?? 0n), ...said };
  }
  const stored = await loadRecord(context, requestId);
  if (stored !== undefined && isOwn(scope, stored)) {
    const said = withRequest ? await requestOf(context, stored) : {};
    return { record: await withLabels(context, stored), ...said };
  }
  if (stored === undefined) hurry();
  if (stored === undefined && tellsDeleted && (await isBuried(context.reader, requestId, toOwned(scope)))) return {};
  throw unknown();
}

/** What the request of an owner's record said. */
async function requestOf({ reader, log }: HistoryContext, { record }: StoredRecord) {
  if (record === undefined) return {};
  const row = await readRequest(reader, record.requestId, record.accountId);
  if (row === undefined) return {};
  try {
    return { request: (await unpackPayload(row.body, row.bytes)).response, requestTruncated: row.truncated };
  } catch (error) {
    // One damaged value must not hide the record.
    log.error({ err: error, request_id: record.requestId }, "what a request said could not be read");
    return {};
  }
}

function unknown(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such request.");
}

function isOwn(scope: Scope, { record }: StoredRecord): boolean {
  return record !== undefined && owns(scope, { ...record, userId: storedUserId(record.userId) });
}

async function withLabels({ reader }: HistoryContext, stored: StoredRecord): Promise<StoredRecord> {
  const { record } = stored;
  if (record !== undefined) showLabels(record, await readLabels(reader, [record.requestId]));
  return stored;
}

/** The newest requests of the owner that an ID which is not ours leads to. */
async function byForeignId(
  context: HistoryContext,
  scope: Scope,
  { upstreamRequestId, alias }: Pick<GetRecordRequest, "upstreamRequestId" | "alias">,
): Promise<StoredRecord[]> {
  const hash = upstreamHash(alias || upstreamRequestId);
  if (hash === null) throw new ThroughlineError("invalid_value", "No ID is given.", { param: "request_id" });
  const { accountId } = toOwned(scope);
  const own: StoredRecord[] = [];
  for (const range of windowsBackwards(allIds, { nowMs: context.nowMs(), firstMs: context.firstWindowMs })) {
    const upstreams = await findByUpstream(context.reader, hash, range, scope);
    const aliased = alias === "" ? [] : await findByAlias(context.reader, alias, range, accountId || undefined);
    const ids = [...new Set([...upstreams, ...aliased])].sort((a, b) => (a < b ? 1 : -1));
    for (const stored of await loadRecords(context, ids, { ...context, labels: true })) {
      const { record } = stored;
      if (record === undefined || !isOwn(scope, stored)) continue;
      // The text decides where it is still there: two texts may share a hash.
      const isNamed = aliased.includes(record.requestId);
      if (isNamed || stored.payloadExpired || record.upstreamRequestId === (alias || upstreamRequestId))
        own.push(stored);
    }
    if (own.length >= maxFound || (alias === "" && own.length > 0)) break;
  }
  return own.slice(0, maxFound);
}
