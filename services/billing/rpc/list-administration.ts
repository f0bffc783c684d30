import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ListAdministrationRequest,
  ListAdministrationResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { listEvents } from "../db/administration.ts";
import { checkedFilterId, pageLimit } from "./paging.ts";

/** Reads the trail of administration, newest first, a page at a time. */
export function listAdministration({ db }: BillingContext) {
  return async ({
    beforeEventId,
    limit: asked,
    procedure,
    actorKeyId,
    target,
    actorAccountId,
    fromUnixMs,
    toUnixMs,
  }: ListAdministrationRequest): Promise<MessageInitShape<typeof ListAdministrationResponseSchema>> => {
    const limit = pageLimit(asked);
    const rows = await listEvents(db, {
      before: checkedFilterId(beforeEventId, "before_event_id"),
      limit: limit + 1,
      procedure,
      actorKeyId: checkedFilterId(actorKeyId, "actor_key_id"),
      target,
      actorAccountId: checkedFilterId(actorAccountId, "actor_account_id"),
      fromMs: checkedFilterId(fromUnixMs, "from_unix_ms"),
      toMs: checkedFilterId(toUnixMs, "to_unix_ms"),
    });
    const events = rows.slice(0, limit).map((row) => ({
      eventId: row.event_id,
      requestId: BigInt.asUintN(64, row.request_id),
      call: row.call,
      procedure: row.procedure,
      actorKeyId: row.actor_key_id,
      actor: row.actor,
      actorAccountId: row.actor_account_id,
      address: row.address,
      target: row.target,
      valuesJson: row.values_json,
      outcome: row.outcome,
      createdUnixUs: row.created_us,
      beforeJson: row.before_json,
      afterJson: row.after_json,
      number: row.number,
      hash: row.hash,
    }));
    return { events, hasMore: rows.length > limit };
  };
}
