import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  QueryRecordsRequest,
  RestOfPageSchema,
  StoredRecord,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { PageContext } from "../context.ts";
import { readPayloadSizes } from "../db/records.ts";
import { fairShare } from "../domain/fair-share.ts";
import { idsBetween } from "../domain/times.ts";
import { loadRecords } from "./load.ts";
import { scopeOf } from "./scope.ts";
import { checkStatuses } from "./statuses.ts";
import { walkIds } from "./walk.ts";

const maxPage = 100;
const maxPageSize = 1_000;

/** A page of records by its number, newest first: all of it, or its beginning and what the rest is. */
export async function queryRecords(
  context: PageContext,
  request: QueryRecordsRequest,
): Promise<{ records: StoredRecord[]; hasMore: boolean; rest?: MessageInitShape<typeof RestOfPageSchema> }> {
  const { page, pageSize, startUnixMs, endUnixMs, atOnce } = request;
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
  const ofPage = ids.slice(0, pageSize);
  const hasMore = ids.length > pageSize;
  const options = { detail: false, mayRun: running };
  if (atOnce === 0 || ofPage.length <= atOnce) {
    const { payloadBudgetBytes } = context;
    return { records: await loadRecords(context, ofPage, { ...options, payloadBudgetBytes }), hasMore };
  }
  const share = fairShare(await readPayloadSizes(context.reader, ofPage), context.payloadBudgetBytes);
  const records = await loadRecords(context, ofPage.slice(0, atOnce), { ...options, maxResponseBytes: share });
  const maxResponseBytes = Number.isFinite(share) ? BigInt(share) : 0n;
  return { records, hasMore, rest: { requestIds: ofPage.slice(atOnce), maxResponseBytes, mayRun: running } };
}

function within(name: string, value: number, max: number): void {
  if (value >= 1 && value <= max) return;
  throw new ThroughlineError("invalid_value", `${name} must be a whole number from 1 to ${max}.`, { param: name });
}
