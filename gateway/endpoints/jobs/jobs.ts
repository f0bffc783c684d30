import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Job, JobKind, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { createBytesAnswer } from "../../answers/bytes.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, publicKinds } from "../../edge/admission.ts";
import { jobStatus, toJobView } from "../../view/job.ts";
import { createFetch } from "./content.ts";
import { tellJobCost } from "./cost.ts";
import { callOptions, idOf, jobOwner, ofModule } from "./owned.ts";
import { giveInline, giveResult } from "./result.ts";

interface ById {
  Params: { id: string };
}

/** Longest answer that stands in the job itself; a longer one is fetched as its content. */
const maxInlineBytes = 32n * 1024n * 1024n;

/** GET /v1/jobs/{id}, its content and its cancel: a job of any kind, by the ID of its request in any spelling. */
export function jobs(edge: FastifyInstance, context: GatewayContext): void {
  const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true };
  const config = { admission };
  const fetchResult = createFetch(context);

  async function give(request: FastifyRequest<ById>, reply: FastifyReply) {
    const job = await jobOf(request);
    const view = { ...toJobView(job), ...(await tellJobCost(context, request, reply, job)) };
    if (!isInline(job)) return view;
    await giveInline(context, request, reply, { job, view });
    return reply;
  }

  function jobOf(request: FastifyRequest<ById>): Promise<Job> {
    return ofModule(context, request, idOf(request.params.id), Module.UNSPECIFIED);
  }

  edge.get<ById>("/v1/jobs/:id", { config }, give);

  edge.get<ById>("/v1/jobs/:id/content", { config }, async (request, reply) => {
    const job = await jobOf(request);
    if (job.state !== JobState.SUCCEEDED) {
      throw new ThroughlineError("invalid_value", `The job has no result: it is ${jobStatus(job)}.`, { param: "id" });
    }
    if (job.kind === JobKind.CALL) return giveResult(context, request, reply, job);
    const step = { action: JobAction.CONTENT, variant: "video" };
    await fetchResult(request, job, step, createBytesAnswer(reply.raw));
    reply.hijack();
  });

  edge.post<ById>("/v1/jobs/:id/cancel", { config: { ...config, bodyless: true } }, async (request, reply) => {
    const asked = { owner: jobOwner(request), requestId: idOf(request.params.id) };
    await context.jobs.cancelJob(asked, callOptions(context, request));
    return give(request, reply);
  });
}

/** A JSON document stands in the job; other bytes, and what is too long for it, are its content. */
function isInline({ kind, state, resultType, resultBytes }: Job): boolean {
  const isJson = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(resultType);
  return kind === JobKind.CALL && state === JobState.SUCCEEDED && isJson && resultBytes <= maxInlineBytes;
}
