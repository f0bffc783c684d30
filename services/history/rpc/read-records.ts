import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  Record as HistoryRecord,
  ReadRecordsRequest,
  StoredRecord,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { PageContext } from "../context.ts";
import { owns, type Scope } from "../domain/owner.ts";
import { storedUserId } from "../domain/repair.ts";
import { loadRecords } from "./load.ts";
import { scopeOf } from "./scope.ts";

const maxIds = 1_000;

/** Further records of a page, in the order of their IDs. */
export async function readRecords(
  context: PageContext,
  { owner, of }: ReadRecordsRequest,
): Promise<{ records: StoredRecord[] }> {
  const scope = scopeOf(owner);
  const ids = of?.requestIds ?? [];
  if (ids.length > maxIds) {
    throw new ThroughlineError("invalid_value", `At most ${maxIds} records are read at once.`, { param: "of" });
  }
  const most = Number(of?.maxResponseBytes ?? 0n);
  const records = await loadRecords(context, ids, {
    maxResponseBytes: most === 0 ? Number.POSITIVE_INFINITY : most,
    detail: false,
    mayRun: of?.mayRun ?? false,
  });
  return { records: records.filter(({ record }) => record !== undefined && isOf(scope, record)) };
}

/** A record of a request that runs has its user as the client wrote it. */
function isOf(scope: Scope, { accountId, keyId, userId }: HistoryRecord): boolean {
  return owns(scope, { accountId, keyId, userId: storedUserId(userId) });
}
