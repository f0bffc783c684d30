import type { FastifyInstance } from "fastify";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, publicKinds } from "../../edge/admission.ts";
import { toJobView } from "../../view/job.ts";
import { callOptions, idOf, jobOwner, ofModule } from "./owned.ts";

interface ById {
  Params: { id: string };
}

/** GET /v1/jobs/{id} and POST /v1/jobs/{id}/cancel: a job of any kind, by the ID of its request in any spelling. */
export function jobs(edge: FastifyInstance, context: GatewayContext): void {
  const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true };
  const config = { admission };
  edge.get<ById>("/v1/jobs/:id", { config }, async (request) =>
    toJobView(await ofModule(context, request, idOf(request.params.id), Module.UNSPECIFIED)),
  );
  edge.post<ById>("/v1/jobs/:id/cancel", { config }, async (request) => {
    const asked = { owner: jobOwner(request), requestId: idOf(request.params.id) };
    await context.jobs.cancelJob(asked, callOptions(context, request));
    return toJobView(await ofModule(context, request, asked.requestId, Module.UNSPECIFIED));
  });
}
