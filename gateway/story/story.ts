import type { ClosingRequest } from "../../shared/closing/index.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { fromWireError } from "../../shared/errors/wire.ts";
import type { Reservation } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Head, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GatewayContext } from "../context.ts";
import type { Answer, Ask } from "./ask.ts";
import { closingRequest, processingRecord } from "./closing.ts";
import type { Ending } from "./ending.ts";
import { finish } from "./finish.ts";
import { maxStoredBytes } from "./idempotency.ts";
import { elapsedUs, type Incoming, mark } from "./incoming.ts";
import { invokeItem } from "./items.ts";
import { inTime, takeIn } from "./take-in.ts";

/**
 * The story of one request: resolve -> reserve -> invoke -> settle -> record. Settling and recording go on after the
 * answer, on a deadline of their own, whatever happened to the client.
 *
 * Throws the error that the client shall get where nothing was sent yet; it is on the record by then, but for one of
 * `admit`: its record would wait in the memory that is full.
 */
export async function tellStory(context: GatewayContext, ask: Ask, answer: Answer): Promise<void> {
  const { incoming } = ask;
  const taken = await takeIn(context, ask, answer);
  if (taken === undefined) return;
  const { route, reservation } = taken;

  const request = closingRequest(ask, route, reservation.reservedNanoUsd);
  const release = context.running.hold({
    id: incoming.id,
    traceparent: incoming.span.traceparent,
    sinceMs: performance.now(),
    processing: () => processingRecord(request),
  });
  const ending = await invoke(context, ask, route, request, reservation, answer);
  const reserved = { ask, request, release };
  const first = settlesFirst(context, ask);
  noteFailed(incoming, ending);
  if (!first) giveEnd(ending, answer);
  const settled = finish(context, reserved, ending, first || answer.settles !== undefined);
  answer.settles?.(ending.outcome, settled);
  if (first) {
    const settlement = await inTime(context, settled);
    if (ask.tellsCost && settlement !== undefined) answer.costs?.(settlement);
    giveEnd(ending, answer);
  }
  const { error, gone } = ending;
  if (!gone && error !== undefined && !answer.hasBegun()) throw error;
}

/**
 * Whether the end of the answer waits for its settlement. Whoever has the whole answer of a request with an
 * Idempotency-Key may repeat it at once, and must get that answer again; whoever asks for the cost is told it with the end.
 */
function settlesFirst({ config }: GatewayContext, { idempotencyKey, tellsCost }: Ask): boolean {
  return idempotencyKey !== "" || tellsCost || config.settleBeforeEnd;
}

/** The request's line, span and counts say that it failed where the head of the answer is already sent. */
function noteFailed(incoming: Incoming, { error, gone }: Ending): void {
  if (error !== undefined && !gone) incoming.errorCode = error.code;
}

/** Gives the client what is left: the last frame, and the end or the error. */
function giveEnd({ error, gone, heldBack }: Ending, answer: Answer): void {
  if (gone || answer.isGone()) return;
  if (heldBack !== undefined) void answer.write(heldBack, true);
  if (error === undefined) answer.end();
  else if (answer.hasBegun()) answer.fail(error);
}

/** Lets the provider try the candidates and passes frames on as they come, with backpressure; never throws. */
async function invoke(
  context: GatewayContext,
  ask: Ask,
  route: Route,
  request: ClosingRequest,
  reservation: Reservation,
  answer: Answer,
): Promise<Ending> {
  const { incoming, principal } = ask;
  const isWhole = ask.demand.answer === "json";
  const holdsBack = !isWhole && settlesFirst(context, ask);
  const keepsRecord = isWhole && ask.keepsAnswer;
  const keep = keepsRecord || ask.idempotencyKey !== "";
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  let slow = false;
  let frames = 0;
  let firstByteUs = 0n;
  let contentType = "application/json";
  let outcome: Outcome | undefined;
  let error: ThroughlineError | undefined;
  let heldBack: Uint8Array | undefined;
  let cut = false;
  const stream = context.provider.invoke.open(invokeItem(ask, route, request.facts, elapsedUs(incoming)), {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.requestTimeoutMs,
    frameBytes: (frame) => frame.data.length,
    acknowledges: true,
    body: ask.upload?.source,
  });
  const uncut = context.running.onCut(() => {
    cut = true;
    stream.cancel();
  });
  try {
    let drainTimer: NodeJS.Timeout | undefined;
    answer.onGone(() => {
      const drains = principal.disconnectPolicy === DisconnectPolicy.DRAIN && frames > 0;
      if (drains) drainTimer = setTimeout(() => stream.cancel(), context.config.drainTimeoutMs);
      else stream.cancel();
    });
    try {
      await stream.each((frame) => {
        if (frame.head !== undefined && !answer.isGone()) {
          contentType = frame.head.contentType;
          firstByteUs = elapsedUs(incoming);
          noteHead(incoming, frame.head, firstByteUs);
          answer.begin(frame.head, reservation.headers);
        }
        if (keep) {
          keptBytes += frame.data.length;
          if (!keepsRecord && keptBytes > maxStoredBytes) kept.length = 0;
          else kept.push(frame.data);
        }
        if (answer.isGone()) return undefined;
        frames++;
        if (holdsBack && stream.isLast()) {
          heldBack = frame.data;
          return undefined;
        }
        const ready = answer.write(frame.data, !holdsBack && stream.hasMore());
        if (ready !== undefined && !slow) {
          slow = true;
          // A client that reads nothing must not outlast the deadline, which ends the outcome.
          const letGo = () => answer.letGo();
          stream.outcome.then(letGo, letGo);
        }
        return ready;
      });
    } catch (thrown) {
      error = ThroughlineError.from(thrown);
      // The provider still sends where a frame could not be read or passed on.
      stream.cancel();
    } finally {
      clearTimeout(drainTimer);
    }
    // After the deadline too: what was consumed and tried is as true then.
    outcome = await stream.outcome;
    error ??= failureOf(outcome, answer.isGone(), cut);
  } catch (thrown) {
    error ??= ThroughlineError.from(thrown);
  }
  uncut();
  mark(incoming, "last_byte");
  const gone = answer.isGone();
  // A JSON answer is given as a whole: of one that broke off the client gets the error alone.
  if (error !== undefined && !gone && !answer.hasBegun()) frames = 0;
  const { acknowledgement } = stream;
  return { outcome, error, gone, frames, firstByteUs, kept, keptBytes, contentType, heldBack, acknowledgement };
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

function noteHead({ served }: Incoming, head: Head, firstByteUs: bigint): void {
  if (served === undefined) return;
  served.channel = head.channel;
  served.upstreamRequestId = head.upstreamRequestId;
  served.firstByteMs = Number(firstByteUs) / 1_000;
}
