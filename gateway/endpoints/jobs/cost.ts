import type { FastifyReply, FastifyRequest } from "fastify";
import { LedgerKind } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Job } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { asksForCost, costFieldsOf } from "../../answers/costs.ts";
import type { GatewayContext } from "../../context.ts";
import { principalOf } from "../../edge/admission.ts";
import { type Cost, costOf } from "../../view/cost.ts";
import { callOptions } from "./owned.ts";

/** What a job's JSON says of its cost where its client asks for that; nulls: it is not settled yet. */
export type JobCost = Cost | { readonly [K in keyof Cost]: null };

const notSettled = { billed_usd: null, billing_reason: null, list_price_usd: null } as const;

/** Looks up the charge of a job in the ledger, and puts it on the head of the answer. Undefined: its client does not ask. */
export async function tellJobCost(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { requestId: entryId }: Job,
): Promise<JobCost | undefined> {
  if (!asksForCost(request.headers)) return undefined;
  const { accountId } = principalOf(request);
  const { entries } = await context.billing.listLedger({ accountId, entryId }, callOptions(context, request));
  // A charge may follow the release of a reservation that ran out.
  const entry = entries.find(({ kind }) => kind === LedgerKind.CHARGE) ?? entries[0];
  if (entry === undefined) return notSettled;
  const { amountNanoUsd, reason, listPriceNanoUsd } = entry;
  const cost = costOf({
    billedNanoUsd: -amountNanoUsd,
    reason,
    ...(listPriceNanoUsd === undefined ? {} : { listPriceNanoUsd }),
  });
  // On the response itself: a result that stands in the job is given past Fastify.
  for (const [name, value] of Object.entries(costFieldsOf(cost))) reply.raw.setHeader(name, value);
  return cost;
}
