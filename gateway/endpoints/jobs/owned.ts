import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { KeyKind } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Job } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { CallOptions } from "../../../shared/rpc/index.ts";
import type { GatewayContext } from "../../context.ts";
import { principalOf } from "../../edge/admission.ts";
import { requestOf } from "../chat/message-id.ts";

/** Whose jobs a key sees: a user key its user's, a server key its account's, an API key its own. */
export function jobOwner(request: FastifyRequest): { accountId: bigint; keyId: bigint; userId: string } {
  const { accountId, keyId, kind, userId } = principalOf(request);
  if (kind === KeyKind.USER) return { accountId, keyId: 0n, userId };
  return { accountId, keyId: kind === KeyKind.SERVER ? 0n : keyId, userId: "" };
}

/** How the service is called for a request. */
export function callOptions({ config }: GatewayContext, { incoming }: Pick<FastifyRequest, "incoming">): CallOptions {
  return { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: config.callTimeoutMs };
}

/** The request that an ID in any spelling names. Throws not_found for a text that is none. */
export function idOf(text: string): bigint {
  const id = requestOf(text);
  if (id === undefined) throw noSuchJob();
  return id;
}

/** A job of the caller's. Throws not_found, in the same words for what is unknown, of another kind or another owner's. */
export async function ofModule(
  context: GatewayContext,
  request: FastifyRequest,
  requestId: bigint,
  module: Module,
): Promise<Job> {
  const { job } = await context.jobs.getJob({ owner: jobOwner(request), requestId }, callOptions(context, request));
  if (job === undefined || (module !== Module.UNSPECIFIED && job.module !== module)) throw noSuchJob();
  return job;
}

function noSuchJob(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such job.");
}
