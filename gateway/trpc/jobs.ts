import { z } from "zod";
import type { Video, VideoRequest } from "../../client/contract/modules.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Job, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { moduleNames, moduleOf } from "../../shared/modules.ts";
import { idOf, jobOwner } from "../endpoints/jobs/owned.ts";
import { reachedAccount } from "../reach.ts";
import { toJobView } from "../view/job.ts";
import { toVideo, videoId } from "../view/video.ts";
import { id } from "./input.ts";
import { whole } from "./paid.ts";
import { callOptions, ownJobs, ownJobsChange, ownVideos, router, type TrpcContext } from "./procedures.ts";
import { videoWork } from "./work.ts";

type Caller = TrpcContext & { readonly principal: Principal };

/** ID of a job, of its request or of what it makes, in any spelling. */
const jobId = z.string().min(1).max(64);
const one = z.strictObject({ id: jobId, account_id: id.optional() });
const page = {
  /** Jobs behind this one, in the order of the list. */
  after: jobId.optional(),
  limit: z.int().min(1).max(100).default(20),
  ascending: z.boolean().default(false),
};

/** Whose jobs are asked for: an administration key's account's, or one that it reaches; of any other key as over HTTP. */
function ownerOf(ctx: Caller, accountId: bigint | undefined) {
  const { principal } = ctx;
  if (principal.kind !== KeyKind.CLI) return jobOwner(ctx.request);
  return { accountId: reachedAccount(principal, accountId ?? principal.accountId), keyId: 0n, userId: "" };
}

async function jobOf(ctx: Caller, text: string, accountId?: bigint, module: Module = Module.UNSPECIFIED): Promise<Job> {
  const asked = { owner: ownerOf(ctx, accountId), requestId: idOf(text) };
  const { job } = await ctx.gateway.jobs.getJob(asked, callOptions(ctx));
  if (job !== undefined && (module === Module.UNSPECIFIED || job.module === module)) return job;
  throw new ThroughlineError("not_found", "There is no such job.");
}

/** Work that outlives its request. */
export const jobs = router({
  /** Reads a job. Its result is at the path that `content` names. */
  get: ownJobs.input(one).query(async ({ ctx, input }) => toJobView(await jobOf(ctx, input.id, input.account_id))),

  /** Lists jobs, the newest first unless `ascending`. */
  list: ownJobs
    .input(z.strictObject({ ...page, module: z.enum(moduleNames).optional(), account_id: id.optional() }).prefault({}))
    .query(async ({ ctx, input }) => {
      const listed = await ctx.gateway.jobs.listJobs(
        {
          owner: ownerOf(ctx, input.account_id),
          module: moduleOf(input.module ?? ""),
          afterRequestId: input.after === undefined ? 0n : idOf(input.after),
          limit: input.limit,
          ascending: input.ascending,
        },
        callOptions(ctx),
      );
      return { jobs: listed.jobs.map(toJobView), has_more: listed.hasMore };
    }),

  /** Asks that a job is given up; it is in sight until it has ended. */
  cancel: ownJobsChange.input(one).mutation(async ({ ctx, input }) => {
    const asked = { owner: ownerOf(ctx, input.account_id), requestId: idOf(input.id) };
    await ctx.gateway.jobs.cancelJob(asked, callOptions(ctx));
    return toJobView(await jobOf(ctx, input.id, input.account_id));
  }),
});

/** Videos, in OpenAI's words; each is made by a job. Their bytes are at `GET /v1/videos/{id}/content`. */
export const videos = router({
  /** Begins a video. */
  create: whole<VideoRequest, Video>(videoWork),

  /** Reads a video. */
  get: ownVideos
    .input(z.strictObject({ id: jobId }))
    .query(async ({ ctx, input }): Promise<Video> => toVideo(await jobOf(ctx, input.id, undefined, Module.VIDEO))),

  /** Lists videos, the newest first unless `ascending`. */
  list: ownVideos.input(z.strictObject(page).prefault({})).query(async ({ ctx, input }) => {
    const listed = await ctx.gateway.jobs.listJobs(
      {
        owner: ownerOf(ctx, undefined),
        module: Module.VIDEO,
        afterRequestId: input.after === undefined ? 0n : idOf(input.after),
        limit: input.limit,
        ascending: input.ascending,
      },
      callOptions(ctx),
    );
    return { videos: listed.jobs.map((job): Video => toVideo(job)), has_more: listed.hasMore };
  }),

  /** Deletes a video that has ended; one that is in the making is given up, and `deleted` is false. */
  delete: ownVideos.input(z.strictObject({ id: jobId })).mutation(async ({ ctx, input }) => {
    const job = await jobOf(ctx, input.id, undefined, Module.VIDEO);
    const asked = { owner: ownerOf(ctx, undefined), requestId: job.requestId };
    const deleted = job.state === JobState.SUCCEEDED || job.state === JobState.FAILED;
    if (deleted) await ctx.gateway.jobs.deleteJob(asked, callOptions(ctx));
    else await ctx.gateway.jobs.cancelJob(asked, callOptions(ctx));
    return { id: videoId(job.requestId), deleted };
  }),
});
