import { create, fromBinary } from "@bufbuild/protobuf";
import type { Database } from "../../../shared/db/index.ts";
import { type Record as HistoryRecord, RecordSchema } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { readUnfinished } from "../db/records.ts";

/**
 * The ledger, from which billing reconstructs the record of a request whose gateway died, does not know all that the
 * gateway's earlier `processing` record said (dialect, client's names, details). Where there is one, the reconstructed
 * record takes over what it does not know itself.
 */
export async function completeReconstructed(
  db: Pick<Database<unknown>, "query">,
  records: readonly (HistoryRecord | undefined)[],
): Promise<readonly (HistoryRecord | undefined)[]> {
  const made = records.flatMap((record) => (record?.reconstructed ? record.requestId : []));
  if (made.length === 0) return records;
  const running = await readUnfinished(db, made);
  return records.map((record) => {
    const earlier = record?.reconstructed ? running.get(record.requestId) : undefined;
    return record === undefined || earlier === undefined ? record : complete(record, fromBinary(RecordSchema, earlier));
  });
}

function complete(made: HistoryRecord, earlier: HistoryRecord): HistoryRecord {
  const said = Object.entries(made).filter(([, value]) => !isEmpty(value));
  const known = said.some(([name]) => name === "detail" || name === "detailBytes") ? withoutDetail(earlier) : earlier;
  const record = create(RecordSchema, { ...withoutType(known), ...Object.fromEntries(said) });
  // The gateway saw the arrival; the ledger only knows when it was told.
  record.createdUnixUs = earlier.createdUnixUs;
  return record;
}

/** Details come encoded or not: those of one record must not stand beside those of another. */
function withoutDetail({ detail: _, ...record }: HistoryRecord): HistoryRecord {
  return { ...record, detailBytes: new Uint8Array() };
}

function withoutType({ $typeName: _, ...fields }: HistoryRecord): Omit<HistoryRecord, "$typeName"> {
  return fields;
}

function isEmpty(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === 0 || value === 0n || value === "" || value === false || value === undefined;
}
