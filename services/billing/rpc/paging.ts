import { invalid } from "../wire/invalid.ts";

const defaultLimit = 100;
const maxLimit = 1_000;

/** Size of a page: 1 to 1,000; 0 means 100. */
export function pageLimit(limit: number): number {
  if (limit > maxLimit) throw invalid("limit", `must be 1 to ${maxLimit}, or 0 for ${defaultLimit}`);
  return limit === 0 ? defaultLimit : limit;
}

/** An ID to filter by or to start after; 0n: none. */
export function checkedFilterId(id: bigint, param: string): bigint {
  if (id < 0n) throw invalid(param, "must not be negative");
  return id;
}
