import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import type { Job } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { JobStepSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { heededRange } from "../../domain/byte-range.ts";
import type { Answer } from "../../story/ask.ts";
import { wantedRange, wantsHead } from "../objects/head-alone.ts";

/** Fetches a result of a job from the vendor that has it and passes it on as it comes. It costs nothing. */
export function createFetch(context: GatewayContext) {
  return async function fetchResult(
    request: FastifyRequest,
    job: Job,
    step: MessageInitShape<typeof JobStepSchema>,
    answer: Answer,
  ): Promise<void> {
    // What is no range here is none at the vendor either: a result is given alike, wherever it is.
    const range = heededRange(wantedRange(request));
    const { incoming } = request;
    const stream = context.provider.invoke.open(
      {
        dialect: job.dialect,
        module: job.module,
        model: job.model,
        candidates: job.candidate === undefined ? [] : [job.candidate],
        headers: range === undefined ? {} : { range },
        createdUnixS: incoming.arrivedUnixUs / 1_000_000n,
        job: { ...step, vendorJobId: job.vendorJobId, locator: job.locator },
      },
      {
        requestId: incoming.id,
        traceparent: incoming.span.traceparent,
        timeoutMs: context.config.requestTimeoutMs,
        frameBytes: (frame) => frame.data.length,
      },
    );
    answer.onGone(() => stream.cancel());
    const uncut = context.running.onCut(() => stream.cancel());
    let error: ThroughlineError | undefined;
    try {
      for await (const frame of stream) {
        if (answer.isGone()) break;
        if (frame.head !== undefined)
          answer.begin(frame.head, frame.head.contentRange === "" ? {} : { "accept-ranges": "bytes" });
        if (wantsHead(request)) {
          stream.cancel();
          break;
        }
        const ready = answer.write(frame.data);
        if (ready !== undefined) await ready;
      }
      const outcome = await stream.outcome;
      if (outcome.error !== undefined) error = fromWireError(outcome.error);
    } catch (thrown) {
      error = ThroughlineError.from(thrown);
    } finally {
      uncut();
    }
    if (answer.isGone()) return;
    if (error === undefined) return answer.end();
    incoming.errorCode = error.code;
    if (!answer.hasBegun()) throw error;
    answer.fail(error);
  };
}
