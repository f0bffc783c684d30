import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  RecordAdministrationRequest,
  RecordAdministrationResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { insertEvent } from "../db/administration.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedId } from "../wire/values.ts";

const maxProcedureLength = 100;
const maxTextLength = 500;
const maxValuesBytes = 64 * 1024;

/** Enters an event of administration; the answer means that it is durable. */
export function recordAdministration({ db }: BillingContext) {
  return async ({
    event,
  }: RecordAdministrationRequest): Promise<MessageInitShape<typeof RecordAdministrationResponseSchema>> => {
    if (event === undefined) throw invalid("event", "is required");
    const { procedure, actor, address, target, valuesJson, outcome } = event;
    if (procedure === "" || procedure.length > maxProcedureLength) throw invalid("event.procedure", "must have a name");
    for (const [name, text] of Object.entries({ actor, address, target, outcome })) {
      if (text.length > maxTextLength) throw invalid(`event.${name}`, `must have at most ${maxTextLength} characters`);
    }
    if (Buffer.byteLength(valuesJson) > maxValuesBytes) throw invalid("event.values_json", "must have at most 64 kB");
    const eventId = await insertEvent(db, {
      request_id: BigInt.asIntN(64, event.requestId),
      call: event.call,
      procedure,
      actor_key_id: checkedId(event.actorKeyId, "event.actor_key_id"),
      actor,
      actor_account_id: checkedId(event.actorAccountId, "event.actor_account_id"),
      address,
      target,
      values_json: valuesJson,
      outcome,
    });
    return { eventId };
  };
}
