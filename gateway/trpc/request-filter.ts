import type { MessageInitShape } from "@bufbuild/protobuf";
import { z } from "zod";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { RecordFilterSchema } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { moduleNames, moduleOf } from "../../shared/modules.ts";
import { type Owner, ownerOf } from "../endpoints/history-query.ts";
import { reachedAccount } from "../reach.ts";
import { statuses } from "../view/history-item.ts";
import { id, name, time } from "./input.ts";

/** Which records; what is left out does not filter. */
export const filter = z.strictObject({
  /** For administration keys: only this account's. */
  account_id: id.optional(),
  statuses: z
    .array(z.enum(["succeeded", "failed", "processing", "pending", "queueing"]))
    .max(5)
    .default([]),
  module: z.enum(moduleNames).optional(),
  model: name.optional(),
  channel: name.optional(),
  key_id: id.optional(),
  user_id: name.optional(),
  error_code: name.optional(),
  from: time.optional(),
  to: time.optional(),
  /** Start of the ID's decimal spelling, or a whole ID in either. */
  id_text: z.string().max(30).optional(),
});

/** The filter as history takes it. */
export function filterOf(given: Partial<z.output<typeof filter>>): MessageInitShape<typeof RecordFilterSchema> {
  return {
    statuses: (given.statuses ?? []).flatMap((status) => statuses[status] ?? []),
    module: moduleOf(given.module ?? ""),
    model: given.model ?? "",
    channel: given.channel ?? "",
    keyId: given.key_id ?? 0n,
    userId: given.user_id ?? "",
    errorCode: given.error_code ?? "",
    fromUnixMs: given.from ?? 0n,
    // To history 0 and less are no bound; nothing is older than the first millisecond either.
    toUnixMs: given.to === undefined ? 0n : given.to > 0n ? given.to : 1n,
    idText: given.id_text ?? "",
  };
}

/**
 * Whose records: an operator's administration key sees an account's or everybody's, a tenant's those of its account, any
 * other key its own whatever it asks for.
 */
export function ownerOfCaller(principal: Principal, accountId: bigint | undefined): Owner {
  if (principal.kind !== KeyKind.CLI) return ownerOf(principal, undefined);
  const reached = reachedAccount(principal, accountId);
  return reached === 0n ? { operator: true } : { accountId: reached };
}
