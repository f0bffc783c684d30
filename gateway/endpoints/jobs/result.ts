import { create } from "@bufbuild/protobuf";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Job } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { HeadSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { createBytesAnswer } from "../../answers/bytes.ts";
import type { GatewayContext } from "../../context.ts";
import { principalOf } from "../../edge/admission.ts";
import { giveObject } from "../objects/give.ts";
import { wantsHead } from "../objects/head-alone.ts";
import { objectReader, type ReadPiece } from "../objects/read.ts";

/** Gives the result of an own call, or a range of it. */
export async function giveResult(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  job: Job,
): Promise<void> {
  const { resultType: contentType } = job;
  const read = readerOf(context, request, job);
  await giveObject(request, reply, { bytes: Number(job.resultBytes), contentType, read });
}

/** Gives a JSON document with the result of an own call as its last field, as it is kept. */
export async function giveInline(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { job, view }: { readonly job: Job; readonly view: object },
): Promise<void> {
  const before = Buffer.from(`${JSON.stringify(view).slice(0, -1)},"result":`);
  const after = Buffer.from("}");
  const length = Number(job.resultBytes);
  const read = readerOf(context, request, job);
  // The first piece is read before the head is sent, so that a failure still has its own status.
  let piece = wantsHead(request) ? new Uint8Array() : await read(0, length);
  const answer = createBytesAnswer(reply.raw);
  reply.hijack();
  answer.begin(
    create(HeadSchema, {
      contentType: "application/json; charset=utf-8",
      contentLength: BigInt(before.length + length + after.length),
    }),
    {},
  );
  if (wantsHead(request)) return answer.end();
  try {
    await answer.write(before);
    for (let at = 0; at < length; piece = await read(at, length - at)) {
      at += piece.length;
      await answer.write(piece);
      if (answer.isGone()) return;
      if (at >= length) break;
    }
    await answer.write(after);
    answer.end();
  } catch (error) {
    answer.fail(ThroughlineError.from(error));
  }
}

/** A short result comes with the job, a long one is an object. */
function readerOf(context: GatewayContext, request: FastifyRequest, job: Job): ReadPiece {
  if (job.resultObjectId === 0n) return (offset, most) => Promise.resolve(job.result.subarray(offset, offset + most));
  const { accountId } = principalOf(request);
  return objectReader(context, request, { objectId: job.resultObjectId, accountId });
}
