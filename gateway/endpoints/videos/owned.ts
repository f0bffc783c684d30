import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Job, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { createBytesAnswer } from "../../answers/bytes.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, principalOf, publicKinds } from "../../edge/admission.ts";
import { toVideo, videoId } from "../../view/video.ts";
import { createFetch } from "../jobs/content.ts";
import { tellJobCost } from "../jobs/cost.ts";
import { callOptions, idOf, jobOwner, ofModule } from "../jobs/owned.ts";
import { giveObject } from "../objects/give.ts";
import { objectReader } from "../objects/read.ts";
import { pageOf } from "../page.ts";
import { generationsPath, toTask } from "./generations.ts";

const variants: readonly string[] = ["video", "thumbnail", "spritesheet"];
const pages = { usual: 20, most: 100 };

interface ById {
  Params: { id: string };
}

/** What a client does with its videos: read, list, fetch, delete. */
export function videos(edge: FastifyInstance, context: GatewayContext): void {
  const admission: Admission = { kinds: publicKinds, scope: "video", freeRequests: 1, fresh: true };
  const config = { admission };

  const toldOf = async (request: FastifyRequest<ById>, reply: FastifyReply): Promise<Job> => {
    const job = await videoOf(context, request);
    await tellJobCost(context, request, reply, job);
    return job;
  };

  edge.get<ById>("/v1/videos/:id", { config }, async (request, reply) => toVideo(await toldOf(request, reply)));

  edge.get<ById>(`${generationsPath}/:id`, { config }, async (request, reply) => toTask(await toldOf(request, reply)));

  edge.get("/v1/videos", { config }, async (request) => {
    const { after, limit, ascending } = pageOf(request.query, pages);
    const { jobs, hasMore } = await context.jobs.listJobs(
      { owner: jobOwner(request), module: Module.VIDEO, afterRequestId: after, limit, ascending },
      callOptions(context, request),
    );
    const ids = jobs.map(({ requestId }) => videoId(requestId));
    return {
      object: "list",
      data: jobs.map(toVideo),
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
      has_more: hasMore,
    };
  });

  edge.delete<ById>("/v1/videos/:id", { config }, async (request) => {
    const job = await videoOf(context, request);
    const asked = { owner: jobOwner(request), requestId: job.requestId };
    const ended = job.state === JobState.SUCCEEDED || job.state === JobState.FAILED;
    // One that still runs is given up; it stays in sight until it has ended.
    if (ended) await context.jobs.deleteJob(asked, callOptions(context, request));
    else await context.jobs.cancelJob(asked, callOptions(context, request));
    return { id: videoId(job.requestId), object: "video.deleted", deleted: ended };
  });

  edge.get<ById>("/v1/videos/:id/content", { config }, async (request, reply) => {
    const job = await videoOf(context, request);
    const variant = variantOf(request.query);
    if (job.state !== JobState.SUCCEEDED) {
      throw new ThroughlineError("invalid_value", `The video is not there: it is ${statusText(job)}.`, { param: "id" });
    }
    if (variant === "video" && job.resultObjectId > 0n) {
      const { resultObjectId: objectId, resultBytes, resultType: contentType } = job;
      const read = objectReader(context, request, { objectId, accountId: principalOf(request).accountId });
      return giveObject(request, reply, { bytes: Number(resultBytes), contentType, read });
    }
    const answer = createBytesAnswer(reply.raw);
    await createFetch(context)(request, job, { action: JobAction.CONTENT, variant }, answer);
    reply.hijack();
  });
}

function statusText(job: Job): string {
  return String(Reflect.get(toVideo(job), "status"));
}

async function videoOf(context: GatewayContext, request: FastifyRequest<ById>): Promise<Job> {
  return ofModule(context, request, idOf(request.params.id), Module.VIDEO);
}

function variantOf(query: unknown): string {
  const given: unknown = typeof query === "object" && query !== null ? Reflect.get(query, "variant") : undefined;
  if (given === undefined) return "video";
  if (typeof given === "string" && variants.includes(given)) return given;
  throw new ThroughlineError("invalid_value", `variant must be one of ${variants.join(", ")}.`, { param: "variant" });
}
