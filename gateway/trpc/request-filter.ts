import type { MessageInitShape } from "@bufbuild/protobuf";
import { z } from "zod";
import { errorCodes } from "../../shared/errors/catalogue.ts";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { RecordFilterSchema } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { moduleNames, moduleOf } from "../../shared/modules.ts";
import { parseRequestId } from "../../shared/request-id.ts";
import { requestOfTrace } from "../endpoints/find-request.ts";
import { type Owner, ownerOf } from "../endpoints/history-query.ts";
import { reachedAccount } from "../reach.ts";
import { statuses, statusNames } from "../view/history-item.ts";
import { id, name, text, time } from "./input.ts";
import { callOptions, type TrpcContext } from "./procedures.ts";

/** Which records; what is left out does not filter. */
export const filter = z.strictObject({
  /** For administration keys: only this account's. */
  account_id: id.optional(),
  statuses: z.array(z.enum(statusNames)).max(5).default([]),
  module: z.enum(moduleNames).optional(),
  model: name.optional(),
  channel: name.optional(),
  key_id: id.optional(),
  /** Whose records: a user's own key's, or a back end's that named the user. */
  user_id: name.optional(),
  /** For whom it was, whatever key named the end user. */
  end_user: text.min(1).max(256).optional(),
  tag: text.min(1).max(64).optional(),
  /** Trace ID: the request's own, or that of its client's traceparent. */
  trace_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/, "must be 32 hex digits")
    .optional(),
  error_code: z.enum(errorCodes).optional(),
  from: time.optional(),
  to: time.optional(),
  /** Start of the ID's decimal spelling, or a whole ID in either. */
  id_text: text.max(30).optional(),
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
    endUser: given.end_user ?? "",
    tag: given.tag ?? "",
    ...idOf(given),
  };
}

/** The trace ID of most requests is known by their ID; others have it among the IDs that their clients know them by. */
function idOf({ id_text = "", trace_id = "" }: Partial<z.output<typeof filter>>) {
  const requestId = requestOfTrace(trace_id);
  if (requestId === undefined) return { idText: id_text, alias: trace_id };
  const text = requestId.toString();
  // Two filters that no request can meet together.
  if (id_text !== "" && !text.startsWith(id_text) && parseRequestId(id_text) !== requestId)
    return { idText: id_text, alias: trace_id };
  return { idText: text, alias: "" };
}

/** The context of a procedure, with who calls. */
type Caller = TrpcContext & { readonly principal: Principal };

/**
 * Whose records a filter asks for. A key is one account's, and records are found by their account: of an operator who names
 * the key alone a list read 630,000 records, and a sum over time all of them. A key that billing does not know is looked for
 * among everybody's records, as before.
 */
export async function ownerOfFilter(
  ctx: Caller,
  { account_id, key_id }: Pick<z.output<typeof filter>, "account_id" | "key_id">,
): Promise<Owner> {
  const owner = ownerOfCaller(ctx.principal, account_id);
  if (owner.operator !== true || key_id === undefined || key_id <= 0n) return owner;
  const { keys } = await ctx.gateway.billing.listKeys({ afterKeyId: key_id - 1n, limit: 1 }, callOptions(ctx));
  const [key] = keys;
  return key?.keyId === key_id ? { accountId: key.accountId } : owner;
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
