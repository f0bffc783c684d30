import {
  type DeleteRecordsRequest,
  type ExportRecordsRequest,
  type GetRecordRequest,
  type GetTimeseriesRequest,
  HistoryService,
  type KeepRequestRequest,
  type ListRecordsRequest,
  type Owner,
  type QueryRecordsRequest,
  type ReadRecordsRequest,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import {
  batchHandler,
  defineService,
  type HandlersOf,
  type ServiceDefinition,
  type UnaryContext,
  unaryHandler,
} from "../../../shared/rpc/index.ts";
import type { Turns } from "../../../shared/turns.ts";
import type { HistoryContext, PageContext } from "../context.ts";
import { deleteRecords } from "./delete-records.ts";
import { exportRecords } from "./export-records.ts";
import { findUnfinished } from "./find-unfinished.ts";
import { getRecord } from "./get-record.ts";
import { getTimeseries } from "./get-timeseries.ts";
import { keepRequest } from "./keep-request.ts";
import { listRecords } from "./list-records.ts";
import { queryRecords } from "./query-records.ts";
import { readRecords } from "./read-records.ts";
import { type RecordGatherer, record } from "./record.ts";

/** History's methods. `records`: what takes the records that are to be stored. */
export function historyDefinition(
  context: HistoryContext,
  records: RecordGatherer,
): ServiceDefinition<typeof HistoryService> {
  const { points, sums, deletes } = context.turns;
  return defineService(HistoryService, {
    ...pageHandlers(context),
    record: record(context, records),
    findUnfinished: unaryHandler((request) => findUnfinished(context, request)),
    keepRequest: unaryHandler((request: KeepRequestRequest) => keepRequest(context, request)),
    deleteRecords: unaryHandler(inTurn(deletes, (request: DeleteRecordsRequest) => deleteRecords(context, request))),
    getRecord: unaryHandler(inTurn(points, (request: GetRecordRequest) => getRecord(context, request, records.hurry))),
    getTimeseries: unaryHandler(inTurn(sums, (request: GetTimeseriesRequest) => getTimeseries(context, request))),
  });
}

/** The methods that read pages alone, for a thread of the gateway's process; it is asked for nothing else. */
export function pagesDefinition(context: PageContext): ServiceDefinition<typeof HistoryService> {
  const elsewhere = () => Promise.reject(new Error("this part of history reads pages alone"));
  return defineService(HistoryService, {
    ...pageHandlers(context),
    record: batchHandler(elsewhere),
    findUnfinished: unaryHandler(elsewhere),
    keepRequest: unaryHandler(elsewhere),
    deleteRecords: unaryHandler(elsewhere),
    getRecord: unaryHandler(elsewhere),
    getTimeseries: unaryHandler(elsewhere),
  });
}

function pageHandlers(
  context: PageContext,
): Pick<HandlersOf<typeof HistoryService>, "queryRecords" | "readRecords" | "exportRecords" | "listRecords"> {
  const { pages } = context.turns;
  return {
    queryRecords: unaryHandler(inTurn(pages, (request: QueryRecordsRequest) => queryRecords(context, request))),
    readRecords: unaryHandler(inTurn(pages, (request: ReadRecordsRequest) => readRecords(context, request))),
    exportRecords: unaryHandler(inTurn(pages, (request: ExportRecordsRequest) => exportRecords(context, request))),
    listRecords: unaryHandler(inTurn(pages, (request: ListRecordsRequest) => listRecords(context, request))),
  };
}

/** Runs a method when its turn has come, by account; the operator's are those of account 0. */
function inTurn<I extends { readonly owner?: Owner | undefined }, O>(turns: Turns, run: (request: I) => Promise<O>) {
  return (request: I, { signal }: UnaryContext): Promise<O> =>
    turns.take(request.owner?.accountId ?? 0n, signal, () => run(request));
}
