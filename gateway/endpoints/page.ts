import { ThroughlineError } from "../../shared/errors/error.ts";
import { requestOf } from "./chat/message-id.ts";

/** What a list is asked for in OpenAI's words. */
export interface AskedPage {
  /** 0n: from the start of the list. */
  readonly after: bigint;
  readonly limit: number;
  readonly ascending: boolean;
}

/** Reads `after`, `limit` and `order` of a query. Throws invalid_value. */
export function pageOf(query: unknown, { usual, most }: { readonly usual: number; readonly most: number }): AskedPage {
  const given = new Map(typeof query === "object" && query !== null ? Object.entries(query) : []);
  const limit = given.get("limit") === undefined ? usual : Number(given.get("limit"));
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${most}.`, { param: "limit" });
  }
  const order = given.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") {
    throw new ThroughlineError("invalid_value", "order must be asc or desc.", { param: "order" });
  }
  return { after: cursorOf(given.get("after"), "after") ?? 0n, limit, ascending: order === "asc" };
}

/**
 * The request that a cursor names, whether or not it is still in the list: a list goes on behind what was deleted since. Undefined:
 * there is none. Throws invalid_value for what names nothing.
 */
export function cursorOf(given: unknown, param: string): bigint | undefined {
  if (given === undefined) return undefined;
  const id = requestOf(String(given));
  if (id === undefined) throw new ThroughlineError("invalid_value", `${param} is no ID of a list.`, { param });
  return id;
}
