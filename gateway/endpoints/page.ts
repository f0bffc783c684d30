import { ThroughlineError } from "../../shared/errors/error.ts";

/** What a list is asked for in OpenAI's words. */
export interface AskedPage {
  /** 0n: from the start of the list. */
  readonly after: bigint;
  readonly limit: number;
  readonly ascending: boolean;
}

/**
 * Reads `after`, `limit` and `order` of a query. Throws invalid_value.
 *
 * @param afterOf the ID that `after` names.
 */
export function pageOf(
  query: unknown,
  { usual, most }: { readonly usual: number; readonly most: number },
  afterOf: (text: string) => bigint,
): AskedPage {
  const given = new Map(typeof query === "object" && query !== null ? Object.entries(query) : []);
  const limit = given.get("limit") === undefined ? usual : Number(given.get("limit"));
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${most}.`, { param: "limit" });
  }
  const order = given.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") {
    throw new ThroughlineError("invalid_value", "order must be asc or desc.", { param: "order" });
  }
  const after = given.get("after");
  return { after: after === undefined ? 0n : afterOf(String(after)), limit, ascending: order === "asc" };
}
