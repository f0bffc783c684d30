import type { FastifyReply, FastifyRequest } from "fastify";
import type { Batch } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { asksForCost, costFields } from "../../answers/costs.ts";
import { batchCostOf } from "../../view/batch-cost.ts";

/** Puts what the lines of a batch cost so far on the head of the answer, where its client asks for that. It has no reason of its own, its lines have. */
export function tellBatchCost(request: FastifyRequest, reply: FastifyReply, batch: Batch): void {
  if (!asksForCost(request.headers)) return;
  const { billed_usd, list_price_usd } = batchCostOf(batch);
  const [billed, , list] = costFields;
  if (billed_usd !== null) reply.header(billed, billed_usd);
  if (list_price_usd !== null) reply.header(list, list_price_usd);
}
