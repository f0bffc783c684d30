import type { MessageInitShape } from "@bufbuild/protobuf";
import { z } from "zod";
import type { Video, VideoRequest } from "../../client/contract/modules.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Job, JobKind, type JobOwnerSchema, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { moduleNames, moduleOf } from "../../shared/modules.ts";
import { idOf, jobOwner } from "../endpoints/jobs/owned.ts";
import { reachedAccount } from "../reach.ts";
import { statusNames } from "../view/history-item.ts";
import { jobLifeOut } from "../view/job-life.ts";
import { toVideo, videoId } from "../view/video.ts";
import { id, name, text, time } from "./input.ts";
import { withCost, withCosts } from "./job-costs.ts";
import { whole } from "./paid.ts";
import { callOptions, ownJobs, ownJobsChange, ownVideos, router, type TrpcContext } from "./procedures.ts";
import { videoWork } from "./work.ts";

/** Time that a page of a rare filter may take. */
const listTimeoutMs = 30_000;
/** States of jobs, in history's words. */
const states = {
  pending: JobState.PENDING,
  queueing: JobState.QUEUEING,
  processing: JobState.PROCESSING,
  succeeded: JobState.SUCCEEDED,
  failed: JobState.FAILED,
} as const satisfies Readonly<Record<(typeof statusNames)[number], JobState>>;
const kinds = { vendor: JobKind.VENDOR, call: JobKind.CALL } as const;

/** The context of a procedure, with who calls. */
export type JobCaller = TrpcContext & { readonly principal: Principal };

/** ID of a job, of its request or of what it makes, in any spelling. */
const jobId = text.min(1).max(64);
const one = z.strictObject({ id: jobId, account_id: id.optional() });
const page = {
  /** Jobs behind this one, in the order of the list. */
  after: jobId.optional(),
  limit: z.int().min(1).max(100).default(20),
  ascending: z.boolean().default(false),
};
/** Which jobs; what is left out does not filter. */
const filter = {
  /** For administration keys: only this account's. */
  account_id: id.optional(),
  /** Within what the key sees: only this key's, and only this end user's. */
  key_id: id.optional(),
  user_id: name.optional(),
  statuses: z.array(z.enum(statusNames)).max(5).default([]),
  kind: z.enum(["vendor", "call"]).optional(),
  module: z.enum(moduleNames).optional(),
  from: time.optional(),
  to: time.optional(),
};

/** Whose jobs are asked for: an operator's everybody's or an account's, a tenant's its account's, of any other key as over HTTP. */
export function jobOwnerOf(
  ctx: JobCaller,
  accountId: bigint | undefined,
  keyId = 0n,
  userId = "",
): MessageInitShape<typeof JobOwnerSchema> {
  const { principal } = ctx;
  if (principal.kind !== KeyKind.CLI) {
    const own = jobOwner(ctx.request);
    return { accountId: own.accountId, keyId: own.keyId || keyId, userId: own.userId || userId };
  }
  const reached = reachedAccount(principal, accountId);
  return { accountId: reached, keyId, userId, everybody: reached === 0n };
}

async function jobOf(
  ctx: JobCaller,
  text: string,
  accountId?: bigint,
  module: Module = Module.UNSPECIFIED,
): Promise<Job> {
  const asked = { owner: jobOwnerOf(ctx, accountId), requestId: idOf(text) };
  const { job } = await ctx.gateway.jobs.getJob(asked, callOptions(ctx));
  if (job !== undefined && (module === Module.UNSPECIFIED || job.module === module)) return job;
  throw new ThroughlineError("not_found", "There is no such job.");
}

/** Work that outlives its request. */
export const jobs = router({
  /** Reads a job with what it cost, once it is settled, and its life: polls, events, deliveries. Its result is at the path that `content` names. */
  get: ownJobs.input(one).query(async ({ ctx, input }) => {
    const job = await jobOf(ctx, input.id, input.account_id);
    const { accountId, requestId } = job;
    const life = await ctx.gateway.jobs.getJobLife({ accountId, requestId }, callOptions(ctx));
    return { ...(await withCost(ctx, job)), life: jobLifeOut(requestId, life, ctx.gateway.config.idStyle) };
  }),

  /** Lists jobs with what they cost, the newest first unless `ascending`: an operator's administration key everybody's, a tenant's its account's, any other key its own. */
  list: ownJobs.input(z.strictObject({ ...page, ...filter }).prefault({})).query(async ({ ctx, input }) => {
    const listed = await ctx.gateway.jobs.listJobs(
      {
        owner: jobOwnerOf(ctx, input.account_id, input.key_id, input.user_id),
        module: moduleOf(input.module ?? ""),
        states: input.statuses.map((status) => states[status]),
        kind: input.kind === undefined ? JobKind.UNSPECIFIED : kinds[input.kind],
        fromUnixMs: input.from ?? 0n,
        // To jobs 0 and less are no bound; nothing is older than the first millisecond either.
        toUnixMs: input.to === undefined ? 0n : input.to > 0n ? input.to : 1n,
        afterRequestId: input.after === undefined ? 0n : idOf(input.after),
        limit: input.limit,
        ascending: input.ascending,
      },
      callOptions(ctx, listTimeoutMs),
    );
    const last = listed.hasMore ? listed.jobs.at(-1) : undefined;
    return {
      jobs: await withCosts(ctx, listed.jobs, jobOwnerOf(ctx, input.account_id).accountId ?? 0n),
      has_more: listed.hasMore,
      /** What `after` of the next page is; null: this is the last. */
      next_cursor: last === undefined ? null : `job_${last.requestId}`,
    };
  }),

  /** Asks that a job is given up; it is in sight until it has ended. */
  cancel: ownJobsChange.input(one).mutation(async ({ ctx, input }) => {
    const asked = { owner: jobOwnerOf(ctx, input.account_id), requestId: idOf(input.id) };
    await ctx.gateway.jobs.cancelJob(asked, callOptions(ctx));
    return withCost(ctx, await jobOf(ctx, input.id, input.account_id));
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
        owner: jobOwnerOf(ctx, undefined),
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
    const asked = { owner: jobOwnerOf(ctx, undefined), requestId: job.requestId };
    const deleted = job.state === JobState.SUCCEEDED || job.state === JobState.FAILED;
    if (deleted) await ctx.gateway.jobs.deleteJob(asked, callOptions(ctx));
    else await ctx.gateway.jobs.cancelJob(asked, callOptions(ctx));
    return { id: videoId(job.requestId), deleted };
  }),
});
