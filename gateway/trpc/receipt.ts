import type { Receipt } from "../../client/contract/receipt.ts";
import type { Settlement } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Ended } from "../answers/collected.ts";
import type { GatewayContext } from "../context.ts";
import type { Incoming } from "../story/incoming.ts";
import { inTime } from "../story/take-in.ts";
import { costOf } from "../view/cost.ts";
import { quantitiesOut } from "../view/quantities.ts";

const unknownCost = { billed_usd: null, billing_reason: null, list_price_usd: null };

/** What a client is told of a call that was served. It waits for the cost as long as a call may take. */
export async function receiptOf(context: GatewayContext, incoming: Incoming, ended: Ended): Promise<Receipt> {
  const { head, headers, outcome } = ended;
  const replayed = headers["idempotent-replayed"] === "true";
  const settlement = replayed ? { billedNanoUsd: 0n, reason: "replayed" } : await settlementOf(context, ended);
  return {
    request_id: incoming.idText,
    trace_id: incoming.span.traceId,
    upstream_request_id: head?.upstreamRequestId || null,
    channel: head?.channel || null,
    usage: outcome?.usage === undefined ? null : quantitiesOut(outcome.usage),
    ...(settlement === undefined ? unknownCost : costOf(settlement)),
    replayed,
  };
}

async function settlementOf(context: GatewayContext, { settled }: Ended): Promise<Settlement | undefined> {
  if (settled === undefined) return undefined;
  return inTime(context, settled);
}
