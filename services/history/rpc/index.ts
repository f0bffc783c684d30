import { HistoryService } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { defineService, type ServiceDefinition, unaryHandler } from "../../../shared/rpc/index.ts";
import type { HistoryContext } from "../context.ts";
import { deleteRecords } from "./delete-records.ts";
import { findUnfinished } from "./find-unfinished.ts";
import { getRecord } from "./get-record.ts";
import { getTimeseries } from "./get-timeseries.ts";
import { listRecords } from "./list-records.ts";
import { queryRecords } from "./query-records.ts";
import { type RecordGatherer, record } from "./record.ts";

/** History's methods. `records`: what takes the records that are to be stored. */
export function historyDefinition(
  context: HistoryContext,
  records: RecordGatherer,
): ServiceDefinition<typeof HistoryService> {
  return defineService(HistoryService, {
    record: record(context, records),
    findUnfinished: unaryHandler((request) => findUnfinished(context, request)),
    queryRecords: unaryHandler((request) => queryRecords(context, request)),
    deleteRecords: unaryHandler((request) => deleteRecords(context, request)),
    getRecord: unaryHandler((request) => getRecord(context, request)),
    listRecords: unaryHandler((request) => listRecords(context, request)),
    getTimeseries: unaryHandler((request) => getTimeseries(context, request)),
  });
}
