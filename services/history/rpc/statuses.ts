import { ThroughlineError } from "../../../shared/errors/error.ts";
import { RecordStatus } from "../../../shared/gen/throughline/history/v1/history_pb.ts";

/** Names of the states that a record can have. */
export const statusNames: Readonly<Record<number, string>> = {
  [RecordStatus.PENDING]: "pending",
  [RecordStatus.QUEUEING]: "queueing",
  [RecordStatus.PROCESSING]: "processing",
  [RecordStatus.SUCCEEDED]: "succeeded",
  [RecordStatus.FAILED]: "failed",
};

/** The states of a filter. Throws invalid_value for one that there is not. */
export function checkStatuses(statuses: readonly number[]): readonly number[] {
  if (statuses.every((status) => statusNames[status] !== undefined)) return statuses;
  throw new ThroughlineError("invalid_value", "statuses names an unknown state.", { param: "statuses" });
}
