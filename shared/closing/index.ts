/** Settlement and record of a request from its facts: pure, so that whoever is left can make them. */
export { baseRecord, detailOf, finalRecord, noteDetail, noteFailure } from "./record.ts";
export type { ClosingDetail, ClosingEnding, ClosingRequest } from "./request.ts";
export { settleItem } from "./settlement.ts";
