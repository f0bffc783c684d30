import type { Principal } from "../../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { StoreResponse } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { itemsOf, type KeptInput } from "../../../domain/response-items.ts";
import type { ResponsesBody } from "../schemas/responses.ts";

/** Largest input whose items are kept; history may be set to keep less (HISTORY_MAX_RESPONSE_BYTES). */
const maxKeptBytes = 1024 * 1024;

/** Whether the answer to a body is kept, so that later requests may refer to it. */
export function isKept({ store }: ResponsesBody, { storeResponse }: Pick<Principal, "storeResponse">): boolean {
  const keepsAll = storeResponse === StoreResponse.UNSPECIFIED || storeResponse === StoreResponse.FULL;
  return keepsAll && store !== false;
}

/**
 * What is kept of a body's input with the record of its answer: the items as the client sent them, references among them.
 *
 * @param bodyBytes size of the body.
 * @param continues the request whose conversation it goes on with.
 */
export function keptInput({ input }: ResponsesBody, bodyBytes: number, continues: bigint | undefined): Uint8Array {
  const kept: KeptInput = {
    items: bodyBytes > maxKeptBytes ? null : itemsOf(input),
    ...(continues === undefined ? {} : { continues: String(continues) }),
  };
  return Buffer.from(JSON.stringify(kept));
}
