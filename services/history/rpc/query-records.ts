import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { QueryRecordsRequest, StoredRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { idsBetween } from "../domain/times.ts";
import { loadRecords } from "./load.ts";
import { scopeOf } from "./scope.ts";
import { checkStatuses } from "./statuses.ts";
import { walkIds } from "./walk.ts";

const maxPage = 100;
const maxPageSize = 1_000;

/** A page of records by its number, newest first. */
export async function queryRecords(
  context: HistoryContext,
  request: QueryRecordsRequest,
): Promise<{ records: StoredRecord[]; hasMore: boolean }> {
  const { page, pageSize, startUnixMs, endUnixMs } = request;
  within("page", page, maxPage);
  within("page_size", pageSize, maxPageSize);
  const walk = {
    scope: scopeOf(request.owner),
    range: idsBetween(startUnixMs, endUnixMs),
    statuses: checkStatuses(request.statuses),
    fromAppserver: request.fromAppserver,
    afterFirst: startUnixMs > 0n,
    ascending: false,
  };
  // One more than the page has tells whether there is more.
  const { ids, running } = await walkIds(context, walk, { offset: (page - 1) * pageSize, limit: pageSize + 1 });
  const records = await loadRecords(context, ids.slice(0, pageSize), {
    payloadBudgetBytes: context.payloadBudgetBytes,
    detail: false,
    mayRun: running,
  });
  return { records, hasMore: ids.length > pageSize };
}

function within(name: string, value: number, max: number): void {
  if (value >= 1 && value <= max) return;
  throw new ThroughlineError("invalid_value", `${name} must be a whole number from 1 to ${max}.`, { param: name });
}
