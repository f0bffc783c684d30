import type { FastifyReply, FastifyRequest } from "fastify";
import type { Job } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { asksForCost, costFieldsOf } from "../../answers/costs.ts";
import type { GatewayContext } from "../../context.ts";
import { principalOf } from "../../edge/admission.ts";
import { endingEntry, entryCost, type JobCost, notSettled } from "../../view/job-cost.ts";
import { callOptions } from "./owned.ts";

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
  const entry = endingEntry(entries);
  if (entry === undefined) return notSettled;
  const cost = entryCost(entry);
  // On the response itself: a result that stands in the job is given past Fastify.
  for (const [name, value] of Object.entries(costFieldsOf(cost))) reply.raw.setHeader(name, value);
  return cost;
}
