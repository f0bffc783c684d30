import type { ClosingRequest } from "../../shared/closing/index.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { fromWireError } from "../../shared/errors/wire.ts";
import { DisconnectPolicy } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Frame, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { LaneStream } from "../../shared/rpc/index.ts";
import type { GatewayContext } from "../context.ts";
import type { Answer, Ask } from "./ask.ts";
import type { Ending } from "./ending.ts";
import { elapsedUs, mark } from "./incoming.ts";
import { invokeItem } from "./items.ts";
import { createPassage, type Passage } from "./passage.ts";
import type { TakenIn } from "./take-in.ts";

/**
 * Lets the provider try the candidates and passes frames on as they come, with backpressure; never throws.
 *
 * @param holdsBack the last frame is not given: it is in the ending.
 */
export async function invoke(
  context: GatewayContext,
  ask: Ask,
  { route, reservation }: TakenIn,
  request: ClosingRequest,
  answer: Answer,
  holdsBack: boolean,
): Promise<Ending> {
  const { incoming } = ask;
  const stream = context.provider.invoke.open(invokeItem(ask, route, request.facts, elapsedUs(incoming)), {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.requestTimeoutMs,
    frameBytes: (frame) => frame.data.length,
    acknowledges: true,
    body: ask.upload?.source,
  });
  const passage = createPassage(ask, answer, stream, { headers: reservation.headers, holdsBack });
  let cut = false;
  const uncut = context.running.onCut(() => {
    cut = true;
    stream.cancel();
  });
  let error = await passOn(context, ask, answer, stream, passage);
  let outcome: Outcome | undefined;
  try {
    // After the deadline too: what was consumed and tried is as true then.
    outcome = await stream.outcome;
    error ??= failureOf(outcome, answer.isGone(), cut);
  } catch (thrown) {
    error ??= ThroughlineError.from(thrown);
  }
  uncut();
  mark(incoming, "last_byte");
  const gone = answer.isGone();
  const told = passage.told();
  // A JSON answer is given as a whole: of one that broke off the client gets the error alone.
  const frames = error !== undefined && !gone && !answer.hasBegun() ? 0 : told.frames;
  return { ...told, frames, outcome, error, gone, acknowledgement: stream.acknowledgement };
}

/** Passes all frames on. Gives the error of one that could not be read or passed on; the provider is told to stop then. */
async function passOn(
  { config }: GatewayContext,
  { principal }: Ask,
  answer: Answer,
  stream: LaneStream<Frame, Outcome>,
  passage: Passage,
): Promise<ThroughlineError | undefined> {
  let drainTimer: NodeJS.Timeout | undefined;
  answer.onGone(() => {
    const drains = principal.disconnectPolicy === DisconnectPolicy.DRAIN && passage.hasGiven();
    if (drains) drainTimer = setTimeout(() => stream.cancel(), config.drainTimeoutMs);
    else stream.cancel();
  });
  try {
    await stream.each((frame) => passage.take(frame));
    return undefined;
  } catch (thrown) {
    stream.cancel();
    return ThroughlineError.from(thrown);
  } finally {
    clearTimeout(drainTimer);
  }
}

/** Why an invocation did not succeed, by its outcome. One that was stopped though the client waits met its deadline. */
function failureOf({ error, cancelled }: Outcome, gone: boolean, cut: boolean): ThroughlineError | undefined {
  if (error !== undefined) return fromWireError(error);
  if (cancelled && cut) {
    return new ThroughlineError(
      "service_unavailable",
      "The gateway stops before the answer is complete; send it again.",
    );
  }
  return cancelled && !gone
    ? new ThroughlineError("upstream_timeout", "The answer was not complete in the time that a request may take.")
    : undefined;
}
