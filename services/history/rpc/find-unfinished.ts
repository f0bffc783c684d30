import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { FindUnfinishedRequest } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { findUnfinished as find } from "../db/find-unfinished.ts";

const maxIds = 10_000;

/** Which of these requests have no terminal record. Asked of the writing side: a replica that lags would name too many. */
export async function findUnfinished(
  { db }: Pick<HistoryContext, "db">,
  { requestIds }: FindUnfinishedRequest,
): Promise<{ requestIds: bigint[] }> {
  if (requestIds.length > maxIds) {
    throw new ThroughlineError("invalid_value", `At most ${maxIds} IDs may be asked for.`, { param: "request_ids" });
  }
  return { requestIds: await find(db, requestIds) };
}
