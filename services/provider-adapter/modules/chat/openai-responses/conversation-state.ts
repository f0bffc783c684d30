import type { JsonObject } from "../../../wire/json.ts";
import { notValid } from "../neutral/refuse.ts";

/**
 * Refuses what goes on from a conversation that somebody keeps: an answer's ID is ours, so no upstream knows it. The gateway
 * has put a conversation that is kept into the input.
 */
export function refuseState(body: JsonObject): void {
  for (const field of ["previous_response_id", "conversation"]) {
    const value = body[field];
    if (value !== undefined && value !== null) {
      throw notValid(field, "is not served for this request: send the conversation's items in input");
    }
  }
}
