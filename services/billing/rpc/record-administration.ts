import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  RecordAdministrationRequest,
  RecordAdministrationResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { insertEvent, insertOnce } from "../db/administration.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedId } from "../wire/values.ts";

const maxProcedureLength = 100;
const maxTextLength = 500;
const maxValuesBytes = 64 * 1024;

/** Enters an event of administration; the answer means that it is durable. */
export function recordAdministration({ db }: BillingContext) {
  return async ({
    event,
    once,
  }: RecordAdministrationRequest): Promise<MessageInitShape<typeof RecordAdministrationResponseSchema>> => {
    if (event === undefined) throw invalid("event", "is required");
    const { procedure, actor, address, target, valuesJson, outcome, beforeJson, afterJson } = event;
    if (procedure === "" || procedure.length > maxProcedureLength) throw invalid("event.procedure", "must have a name");
    for (const [name, text] of Object.entries({ actor, address, target, outcome })) {
      if (text.length > maxTextLength) throw invalid(`event.${name}`, `must have at most ${maxTextLength} characters`);
    }
    for (const [name, json] of Object.entries({
      values_json: valuesJson,
      before_json: beforeJson,
      after_json: afterJson,
    })) {
      if (Buffer.byteLength(json) > maxValuesBytes) throw invalid(`event.${name}`, "must have at most 64 kB");
    }
    // Without a key it was one of the platform's own programs, which has a name.
    const isProgram = event.actorKeyId === 0n && actor !== "";
    if (once && target === "") throw invalid("event.target", "is required of what is entered once");
    const enter = once ? insertOnce : insertEvent;
    const eventId = await enter(db, {
      request_id: BigInt.asIntN(64, event.requestId),
      call: event.call,
      procedure,
      actor_key_id: isProgram ? 0n : checkedId(event.actorKeyId, "event.actor_key_id"),
      actor,
      actor_account_id: isProgram ? 0n : checkedId(event.actorAccountId, "event.actor_account_id"),
      address,
      target,
      values_json: valuesJson,
      outcome,
      before_json: beforeJson,
      after_json: afterJson,
    });
    return { eventId };
  };
}
