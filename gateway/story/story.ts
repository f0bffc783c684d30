import type { GatewayContext } from "../context.ts";
import type { Answer, Ask } from "./ask.ts";
import { closingRequest, processingRecord } from "./closing.ts";
import type { Ending } from "./ending.ts";
import { finish } from "./finish.ts";
import type { Incoming } from "./incoming.ts";
import { invoke } from "./invoke.ts";
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
  const request = closingRequest(ask, taken.route, taken.reservation.reservedNanoUsd);
  const release = context.running.hold({
    id: incoming.id,
    traceparent: incoming.span.traceparent,
    sinceMs: performance.now(),
    processing: () => processingRecord(request),
  });
  const endWaits = settlesFirst(context, ask);
  const ending = await invoke(context, ask, taken, request, answer, endWaits && ask.demand.answer !== "json");
  const reserved = { ask, request, release };
  noteFailed(incoming, ending);
  if (!endWaits) giveEnd(ending, answer);
  const settled = finish(context, reserved, ending, endWaits || answer.settles !== undefined);
  answer.settles?.(ending.outcome, settled);
  if (endWaits) {
    const settlement = await inTime(context, settled);
    if (ask.tellsCost && settlement !== undefined) answer.costs?.(settlement);
    giveEnd(ending, answer);
  }
  const { error, gone } = ending;
  if (!gone && error !== undefined && !answer.hasBegun()) throw error;
}

/**
 * Whether the end of the answer waits for its settlement. A client that has the whole answer of a request with an
 * Idempotency-Key may repeat it at once, and must get that answer again. A client that asks for the cost is told it with the end.
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
