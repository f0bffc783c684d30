import { ThroughlineError } from "../../../shared/errors/error.ts";
import { toWireError } from "../../../shared/errors/wire.ts";
import { createAttempt, createError, createHead, createOutcome, createUsage } from "../../../shared/gen/lane_codecs.ts";
import type { Candidate } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Attempt, Frame, InvokeItem, Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { FrameSink, StreamCall } from "../../../shared/rpc/index.ts";
import type { OpenChannel } from "../channels.ts";
import type { ProviderContext } from "../context.ts";
import type { Exchange, WholeAnswer } from "../domain/exchange.ts";
import { readLocator } from "../domain/job-locator.ts";
import { unpricedNotes } from "../domain/unpriced.ts";
import { boundedFacts } from "../engine/bounded-facts.ts";
import { withoutCredential } from "../engine/hide-credential.ts";
import type { BatchFormat, LineTold } from "../modules/batches/format.ts";
import { parseExact } from "../wire/exact-json.ts";
import { asObject } from "../wire/json.ts";
import { askedOf } from "./asked.ts";

/** Nobody measures an answer that a batch brings. */
const moments = { sentUs: 0, firstByteUs: 0, firstContentUs: 0, lastByteUs: 0, nowUs: 0 };
/** Bytes of one frame. */
const pieceBytes = 1024 * 1024;

/**
 * Writes or reads one line of a vendor's batch: the translation of a request and of its answer, with no call between them. The
 * outcome is that of the request.
 */
export async function translateLine(
  context: ProviderContext,
  call: StreamCall<InvokeItem>,
  out: FrameSink<Frame>,
  action: "write" | "read",
): Promise<Outcome> {
  const { item } = call;
  const outcome = createOutcome({});
  const [candidate] = item.candidates;
  if (candidate === undefined) throw new ThroughlineError("internal_error", "A line of a batch has no channel.");
  const { channel: note, credential } = readLocator(item.job?.locator ?? "");
  const channel = await context.channels.findNoted(candidate.channel, item.configVersion, { note, credential });
  if (channel === undefined) throw new ThroughlineError("service_unavailable", "The channel of this batch is gone.");
  try {
    const { batches, exchanges } = channel.adapter;
    const makeExchange = exchanges[item.dialect];
    if (batches === undefined || makeExchange === undefined) {
      throw new ThroughlineError("invalid_value", "This model is not available in batches.", { param: "model" });
    }
    const body =
      action === "write" && context.images !== undefined
        ? await context.images.inline(item.body, call.signal)
        : item.body;
    const exchange = makeExchange(askedOf(call, { candidate, channel, credential: "", body }));
    outcome.notes = [...exchange.notes];
    if (action === "write") write(batches, exchange, item.job?.name ?? "", out);
    else read(context, { channel, candidate, exchange, batches, item }, outcome, out);
  } catch (thrown) {
    const error = ThroughlineError.from(thrown);
    if (error.code === "internal_error") context.log.error({ err: thrown }, "a line of a batch broke");
    const shown = channel.credentials.reduce(withoutCredential, error);
    outcome.error = createError(toWireError(shown));
    const attempt = outcome.attempts.at(-1);
    if (attempt !== undefined) [attempt.errorCode, attempt.errorMessage] = [shown.code, shown.message];
  }
  return outcome;
}

function write(batches: BatchFormat, exchange: Exchange, name: string, out: FrameSink<Frame>): void {
  const { place, line } = batches.writeLine(name, exchange.message);
  give(out, Buffer.concat([Buffer.from(`${place}\n`), line]), "");
}

interface Reading {
  readonly channel: OpenChannel;
  readonly candidate: Candidate;
  readonly exchange: Exchange;
  readonly batches: BatchFormat;
  readonly item: InvokeItem;
}

function read(context: ProviderContext, reading: Reading, outcome: Outcome, out: FrameSink<Frame>): void {
  const { channel, candidate, batches, item } = reading;
  const line = asObject(parseExact(Buffer.from(item.job?.line ?? new Uint8Array()).toString()));
  const told = line === undefined ? undefined : batches.readLine(line);
  const attempt = createAttempt({
    attemptId: context.ids.next(),
    channel: channel.name,
    platform: channel.platform,
    upstreamModel: candidate.upstreamModel,
    upstreamRequestId: told?.kind === "answered" ? told.upstreamRequestId : "",
    httpStatus: told?.kind === "answered" ? told.status : 0,
  });
  outcome.attempts.push(attempt);
  outcome.notes.push(`answered in the vendor's batch ${item.job?.vendorJobId ?? ""}`);
  const answer = answerIn(told, reading, attempt);
  const { usage, finishReason, messageId, responseModel } = boundedFacts(answer);
  outcome.usage = createUsage(usage);
  Object.assign(outcome, { finishReason, messageId, responseModel, firstByte: true });
  outcome.notes.push(...unpricedNotes(usage, candidate.pricing));
  if (answer.document !== undefined) outcome.response = answer.document;
  give(out, answer.body, attempt.upstreamRequestId);
}

/** The answer to the request that the line is. Throws why there is none. */
function answerIn(told: LineTold | undefined, { channel, exchange }: Reading, attempt: Attempt): WholeAnswer {
  if (told === undefined) throw new ThroughlineError("upstream_error", "The upstream's result of this line is none.");
  if (told.kind !== "answered") {
    const why = told.kind === "expired" ? "could not be begun before the batch's time was over" : "was not begun";
    throw new ThroughlineError(told.kind, `This request ${why}.`);
  }
  const { status, body } = told;
  if (!(exchange.accepts?.(status) ?? status === 200)) {
    throw channel.adapter.failure(status, {}, body.toString(), attempt.upstreamRequestId).error;
  }
  const refusal = exchange.refusal?.(body, status);
  if (refusal !== undefined) throw refusal.error;
  if (exchange.next?.({ status, headers: {}, body }) !== undefined || (exchange.fetches?.(body) ?? []).length > 0) {
    throw new ThroughlineError("upstream_error", "The upstream's result of this line leads to another call.");
  }
  return exchange.whole(body, moments, undefined, status);
}

function give(out: FrameSink<Frame>, body: Uint8Array, upstreamRequestId: string): void {
  const head = createHead({ contentType: "application/json", upstreamRequestId });
  out.write({ data: body.subarray(0, pieceBytes), head });
  for (let at = pieceBytes; at < body.length; at += pieceBytes) {
    out.write({ data: body.subarray(at, at + pieceBytes) });
  }
}
