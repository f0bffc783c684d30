import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ProviderContext } from "../context.ts";
import type { Exchange, FetchedMedia, StreamTranslation, WholeAnswer } from "../domain/exchange.ts";
import { failureVerdict, good } from "../resilience/verdict.ts";
import { isEndMark } from "../wire/end-mark.ts";
import type { AttemptState } from "./attempt-state.ts";
import { fetchMedia } from "./fetch-media.ts";
import { EventsTaker } from "./take-events.ts";

/** A whole answer is passed on in pieces: one lane message must not hold 16 MB. */
const pieceBytes = 1024 * 1024;

/**
 * Gives the client a whole answer that is there; what it names by addresses may have to be fetched before.
 *
 * @param asEvents a stream was asked for, and this came in its place: what it is as one.
 */
export function giveWhole(
  context: ProviderContext,
  state: AttemptState,
  all: Buffer,
  asEvents: Exchange["events"],
): void {
  const { exchange } = state.options;
  const { httpStatus: status } = state.attempt;
  const finish = (fetched: FetchedMedia | undefined): void => {
    if (state.over) return;
    if (asEvents === undefined) finishWhole(state, all, fetched);
    else finishAsStream(state, all, asEvents, fetched);
  };
  try {
    const refusal = exchange.refusal?.(all, status);
    if (refusal !== undefined) {
      state.settle(refusal.error, refusal.failover, failureVerdict(status, refusal));
      return;
    }
    state.next = exchange.next?.({ status, headers: state.headers, body: all });
    if (state.next !== undefined) {
      state.settle(undefined, false, good);
      return;
    }
    const addresses = exchange.fetches?.(all) ?? [];
    if (addresses.length === 0) {
      finish(undefined);
      return;
    }
    state.stopFetching = new AbortController();
    fetchMedia(context, addresses, state.stopFetching.signal).then(finish, (thrown) => state.settleThrown(thrown));
  } catch (thrown) {
    state.settleThrown(thrown);
  }
}

/** The body says that the upstream failed. */
export function refuse(state: AttemptState, all: Buffer): void {
  const { attempt, headers } = state;
  const { channel, exchange } = state.options;
  // Before the message is cut to its length: a part of the credential would be left.
  const said = state.hiding(all.toString());
  const failure = channel.adapter.failure(attempt.httpStatus, headers, said, attempt.upstreamRequestId);
  const refused = exchange.message.once !== true || isRefusal(attempt.httpStatus);
  state.settle(failure.error, failure.failover && refused, failureVerdict(attempt.httpStatus, failure));
}

function finishWhole(state: AttemptState, all: Buffer, fetched: FetchedMedia | undefined): void {
  const { attempt } = state;
  const { exchange } = state.options;
  try {
    const { gathered } = exchange;
    const isStream = gathered !== undefined && state.kindOf(all) === "events";
    const answer = isStream
      ? gather(state, all, gathered())
      : exchange.whole(all, state.moments(), fetched, attempt.httpStatus);
    state.facts = answer;
    state.whole = answer.body;
    const head = { contentType: answer.contentType ?? "application/json", contentLength: answer.body.length };
    if (answer.document !== undefined) state.document = { body: answer.document, truncated: false };
    state.began = true;
    attempt.upstreamRequestId ||= answer.upstreamRequestId ?? "";
    for (let at = 0; at < answer.body.length; at += pieceBytes) {
      state.givePiece(answer.body.subarray(at, at + pieceBytes), head);
    }
    state.settle(undefined, false, good);
  } catch (thrown) {
    state.settleThrown(thrown);
  }
}

/** A stream where a whole answer was asked for: what it comes to. */
function gather(state: AttemptState, all: Buffer, stream: StreamTranslation): WholeAnswer {
  let ended = false;
  const gathering = state.openFeed((event) => {
    if (ended && stream.isComplete()) return;
    stream.event(event);
    ended ||= isEndMark(event);
  });
  gathering.feed(all);
  gathering.end();
  if (!stream.isComplete()) throw new ThroughlineError("upstream_error", "The upstream's stream ended too early.");
  stream.end(state.moments());
  state.notes.push("the upstream sent a stream in place of a whole answer: it was put together");
  return { ...stream.facts(), body: stream.document(state.moments()).body };
}

/** A whole answer where a stream was asked for is given as one. */
function finishAsStream(
  state: AttemptState,
  all: Buffer,
  eventsOf: NonNullable<Exchange["events"]>,
  fetched: FetchedMedia | undefined,
): void {
  const { exchange } = state.options;
  try {
    const parts = eventsOf(all, fetched);
    if (parts === undefined) {
      refuse(state, all);
      return;
    }
    // That this module's upstreams know no streams is no news.
    if (exchange.gathered !== undefined)
      state.notes.push("the upstream sent a whole answer in place of a stream: it was cut up");
    const events = new EventsTaker(state, exchange.stream());
    for (const event of parts) events.add(event);
    events.finish(good);
  } catch (thrown) {
    state.settleThrown(thrown);
  }
}

/** True: the upstream says that it began nothing. What stands before it may answer with other statuses of 500 and more. */
function isRefusal(status: number): boolean {
  return status < 500 || status === 503 || status === 529;
}
