import { setTimeout as wait } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { type Job, JobKind, JobState } from "../../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { GatewayContext } from "../../../context.ts";
import { toResponse } from "../../../view/response.ts";
import { callOptions, jobOwner } from "../../jobs/owned.ts";
import { giveResult } from "../../jobs/result.ts";

/** Only jobs of this dialect are responses. */
const dialect = "openai.responses";
/** A call that is told to stop ends within so long as a rule. */
const cancelWaitsMs = [10, 20, 40, 80, 160, 320, 640, 1_280];

/**
 * The job that makes a response in the background; undefined: there is none that is known. Without jobs, and long after its end,
 * what history has of a response is all there is.
 */
export async function backgroundJob(
  context: GatewayContext,
  request: FastifyRequest,
  requestId: bigint | undefined,
): Promise<Job | undefined> {
  if (requestId === undefined) return undefined;
  try {
    const { job } = await context.jobs.getJob({ owner: jobOwner(request), requestId }, callOptions(context, request));
    return job?.kind === JobKind.CALL && job.dialect === dialect ? job : undefined;
  } catch (error) {
    const { code } = ThroughlineError.from(error);
    if (code === "not_found" || code === "service_unavailable") return undefined;
    throw error;
  }
}

/** Answers with the response as it is now: its answer, where there is one. */
export async function giveResponse(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  job: Job,
): Promise<object> {
  if (job.state !== JobState.SUCCEEDED) return toResponse(job);
  await giveResult(context, request, reply, job);
  return reply;
}

/** Stops a response that is made in the background, and waits a moment for its end. One that has ended stays as it is. */
export async function cancelBackground(context: GatewayContext, request: FastifyRequest, job: Job): Promise<Job> {
  const asked = { owner: jobOwner(request), requestId: job.requestId };
  let now = (await context.jobs.cancelJob(asked, callOptions(context, request))).job ?? job;
  for (const waitMs of cancelWaitsMs) {
    if (hasEnded(now)) break;
    await wait(waitMs);
    now = (await context.jobs.getJob(asked, callOptions(context, request))).job ?? now;
  }
  return now;
}

/** Takes a response that was made in the background out of sight; one that is still made is stopped. */
export async function deleteBackground(context: GatewayContext, request: FastifyRequest, job: Job): Promise<void> {
  const asked = { owner: jobOwner(request), requestId: job.requestId };
  if (!hasEnded(job)) await context.jobs.cancelJob(asked, callOptions(context, request));
  await context.jobs.deleteJob(asked, callOptions(context, request));
}

function hasEnded({ state }: Job): boolean {
  return state === JobState.SUCCEEDED || state === JobState.FAILED;
}
