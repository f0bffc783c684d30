import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { toWireError } from "../../shared/errors/wire.ts";
import { ErrorSchema, Unit } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type Frame,
  type InvokeItem,
  JobAction,
  type JobStep,
  type Outcome,
} from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type JobReport, writeJobReport, writeJobReports } from "../../shared/job-report.ts";
import { type FrameSink, type Init, type StreamCall, unsentError } from "../../shared/rpc/index.ts";
import type { Answer, World } from "./testing-world.ts";

const actionOf: Readonly<Partial<Record<JobAction, "start" | "poll" | "cancel">>> = {
  [JobAction.START]: "start",
  [JobAction.POLL]: "poll",
  [JobAction.CANCEL]: "cancel",
};

/** What a provider says where a vendor gives no report. Throws where the provider is lost. */
function refusalOf(answer: Answer | readonly Partial<JobReport>[]): Init<Outcome> | undefined {
  if (answer === "lost") throw new ThroughlineError("service_unavailable", "The provider was lost.");
  if (answer === "unsent") throw unsentError();
  const removed = { code: "service_unavailable" as const, jobLost: true };
  const { code, jobLost } =
    answer === "channel removed" ? removed : { code: "error" in answer ? answer.error : undefined, jobLost: false };
  if (code === undefined) return undefined;
  const { httpStatus = 0, retryAfterMs, says } = typeof answer === "object" && "error" in answer ? answer : {};
  const error = create(
    ErrorSchema,
    toWireError(new ThroughlineError(code, "The vendor said no.", { retryAfterMs, ...says })),
  );
  return { error, jobLost, attempts: [{ httpStatus }] };
}

const requestIn = (vendorJobId: string): bigint => BigInt(vendorJobId.replace("vendor-", ""));

function answerTogether(world: World, step: JobStep, out: FrameSink<Frame>): Init<Outcome> {
  const ids = [step, ...step.others].map(({ vendorJobId }) => requestIn(vendorJobId));
  world.askedTogether.push(ids);
  const answer = world.together(ids);
  const refused = refusalOf(answer);
  if (refused !== undefined) return refused;
  const base = { state: "processing" as const, word: "", progressPercent: 0 };
  const reports = (Array.isArray(answer) ? answer : []).map((one) => ({ vendorJobId: "vendor-0", ...base, ...one }));
  out.write({ data: writeJobReports(reports), head: { contentType: "application/json", channel: "stub" } });
  return { firstByte: true };
}

/** Answers a call as the world's upstream does. */
async function giveContent(world: World, requestId: bigint, out: FrameSink<Frame>): Promise<Init<Outcome>> {
  const key = `content ${requestId}`;
  const count = (world.asked.get(key) ?? 0) + 1;
  world.asked.set(key, count);
  const { pieces, type = "video/mp4", error } = await world.content(count, requestId);
  for (const [index, data] of pieces.entries()) {
    out.write(index > 0 ? { data } : { data, head: { contentType: type, channel: "stub" } });
  }
  if (error === undefined || error === "lost") return { firstByte: true };
  return { error: create(ErrorSchema, toWireError(new ThroughlineError(error, "The vendor said no."))) };
}

async function answerCall(world: World, call: StreamCall<InvokeItem>, out: FrameSink<Frame>): Promise<Init<Outcome>> {
  const { requestId, body } = call;
  const key = `call ${requestId}`;
  const count = (world.asked.get(key) ?? 0) + 1;
  world.asked.set(key, count);
  const form: Uint8Array[] = [];
  if (body !== undefined) for await (const piece of body.from(0)) form.push(piece);
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let cancelled = false;
  call.onStop(() => {
    cancelled = true;
    world.stopped.add(requestId);
    resolve();
  });
  const answer = await world.upstream(count, requestId, Buffer.concat(form));
  for (const [index, data] of answer.pieces.entries()) {
    out.write({
      data,
      ...(index > 0
        ? {}
        : {
            head: {
              contentType: answer.type ?? "application/json",
              channel: "stub",
              attemptId: requestId * 10n + BigInt(count),
            },
          }),
    });
  }
  await Promise.race([answer.until, stopped]);
  if (answer.error === "lost") throw new ThroughlineError("service_unavailable", "The provider was lost.");
  const error =
    answer.error === undefined
      ? {}
      : { error: create(ErrorSchema, toWireError(new ThroughlineError(answer.error, "No.", answer.says))) };
  return {
    ...error,
    cancelled,
    firstByte: answer.pieces.length > 0,
    usage: { inputTokens: 3n, outputTokens: 5n },
    response: Buffer.from(answer.document ?? ""),
  };
}

/** A provider whose vendors are the world's. */
export function answerInvoke(world: World) {
  return async (call: StreamCall<InvokeItem>, out: FrameSink<Frame>): Promise<Init<Outcome>> => {
    const { item, requestId } = call;
    world.contexts.set(requestId, [...(world.contexts.get(requestId) ?? []), call.traceparent]);
    if (item.job === undefined) return answerCall(world, call, out);
    if (item.job.action === JobAction.CONTENT) return giveContent(world, requestId, out);
    const action = actionOf[item.job?.action ?? JobAction.UNSPECIFIED] ?? "poll";
    const key = `${action} ${requestId}`;
    const count = (world.asked.get(key) ?? 0) + 1;
    world.asked.set(key, count);
    if (action === "start") world.callbackUrls.set(requestId, item.job?.callbackUrl ?? "");
    if (action === "poll") world.askedAtMs.push(Date.now());
    if (item.job.others.length > 0) return answerTogether(world, item.job, out);
    const answer = await world.vendor(action, count, requestId);
    const refused = refusalOf(answer);
    if (refused !== undefined || typeof answer === "string") return refused ?? {};
    const report: JobReport = {
      vendorJobId: `vendor-${requestId}`,
      state: "processing",
      word: "",
      progressPercent: 0,
      ...answer,
    };
    out.write({ data: writeJobReport(report), head: { contentType: "application/json", channel: "stub" } });
    if (action !== "start") return { firstByte: true };
    return { usage: { more: [{ unit: Unit.OUTPUT_VIDEO_MS, amount: 4_000n }], estimated: true }, firstByte: true };
  };
}
