import { fromBinary } from "@bufbuild/protobuf";
import { DetailSchema, type Record } from "../gen/throughline/history/v1/history_pb.ts";

/** A record as history shows it: its details are read where they came encoded. */
export function readable(record: Record): Record {
  if (record.detailBytes.length === 0) return record;
  return { ...record, detail: fromBinary(DetailSchema, record.detailBytes), detailBytes: new Uint8Array() };
}
