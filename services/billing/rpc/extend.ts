import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ExtendRequest, ExtendResponseSchema } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { extendAll } from "../db/lives.ts";
import { maxId } from "../domain/amounts.ts";
import { invalid } from "../wire/invalid.ts";

const maxIds = 50_000;

/** Keeps the reservations of running requests alive. */
export function extend({ config, db }: BillingContext) {
  return async ({ requestIds }: ExtendRequest): Promise<MessageInitShape<typeof ExtendResponseSchema>> => {
    if (requestIds.length > maxIds) throw invalid("request_ids", `must have at most ${maxIds} items`);
    const known = requestIds.filter((id) => id <= maxId);
    const gone = await extendAll(db, known, config.reservationTtlMs);
    return { goneRequestIds: gone.concat(requestIds.filter((id) => id > maxId)) };
  };
}
