import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { DeleteRecordsRequest } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { toParts } from "../../../shared/request-id.ts";
import type { HistoryContext } from "../context.ts";
import { deleteRecords as deleteThem } from "../db/delete.ts";
import { scopeOf } from "./scope.ts";

const maxIds = 1_000;
/** A clock may be this far ahead of ours. */
const clockSkewMs = 60_000;

/** Deletes records of the owner. Repeats, unknown IDs and others' are fine and change nothing. */
export async function deleteRecords(
  context: Pick<HistoryContext, "db" | "nowMs" | "lateRecordMs">,
  request: DeleteRecordsRequest,
): Promise<{ deleted: number }> {
  const { requestIds } = request;
  if (requestIds.length > maxIds) {
    throw new ThroughlineError("invalid_value", `At most ${maxIds} IDs may be given.`, { param: "request_ids" });
  }
  const nowMs = context.nowMs();
  // A record follows its request within minutes, unless something is down: tombstones of IDs that nobody has seen are
  // made only for so long, or a client could fill the table with numbers.
  const mayStillCome = (id: bigint): boolean => {
    const ageMs = nowMs - toParts(id).unixMs;
    return ageMs < context.lateRecordMs && ageMs > -clockSkewMs;
  };
  const ids = [...new Set(requestIds)].filter((id) => id > 0n && id < 1n << 63n);
  return { deleted: await deleteThem(context.db, { scope: scopeOf(request.owner), ids, mayStillCome }) };
}
