import { ThroughlineError } from "../../../shared/errors/error.ts";
import { createAttempt } from "../../../shared/gen/lane_codecs.ts";
import type { Candidate } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Attempt } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Span } from "../../../shared/telemetry/index.ts";
import { boundsOf, type OpenChannel } from "../channels.ts";
import type { ProviderContext } from "../context.ts";
import type {
  AnswerFacts,
  BytesHead,
  BytesTranslation,
  EventFeed,
  Exchange,
  FetchedMedia,
  FlowFacts,
  StreamTranslation,
  UpstreamEvent,
  WholeAnswer,
} from "../domain/exchange.ts";
import type { Moments } from "../domain/latency.ts";
import type { Pass } from "../resilience/channel-health.ts";
import {
  failureVerdict,
  faultVerdict,
  good,
  neutral,
  quickFault,
  thrownVerdict,
  type Verdict,
} from "../resilience/verdict.ts";
import type { ResponseHeaders, UpstreamCall, UpstreamSink } from "../upstream/call.ts";
import { faultError, faultTable, type UpstreamFault } from "../upstream/faults.ts";
import { callLater } from "../upstream/later.ts";
import { type BodyKind, bodyKindOf } from "../wire/body-kind.ts";
import { isEndMark } from "../wire/end-mark.ts";
import { createEventFeed } from "../wire/event-feed.ts";
import { isKeepAlive } from "../wire/keep-alive.ts";
import { createTextBytes } from "../wire/text-bytes.ts";
import { asUpstreamFault } from "../wire/too-deep.ts";
import { boundedFacts } from "./bounded-facts.ts";
import { fetchMedia } from "./fetch-media.ts";
import { hideCredential, withoutCredential } from "./hide-credential.ts";
import { leadsAbroad, toRequest } from "./to-request.ts";
import { upstreamRequestIdOf, withUpstreamRequestId } from "./upstream-request-id.ts";

/** Where the pieces of an answer go. */
export interface AttemptSink {
  /** Bytes for the client; `head` says what they are. */
  write(data: Uint8Array, upstreamRequestId: string, head: BytesHead): void;
}

/** What came of one attempt. */
export interface AttemptResult {
  readonly attempt: Attempt;
  /** At least one byte was given to the client: of a stream content, or the end of an answer without any. */
  readonly began: boolean;
  /** Why it failed; absent: it answered. */
  readonly error: ThroughlineError | undefined;
  /** True: another candidate may be tried (only when nothing began). */
  readonly failover: boolean;
  /** What the answer leads to: the same candidate is asked on by it, and this attempt's answer is none of the client's. */
  readonly next: Exchange | undefined;
  /** What it says of the channel's health. */
  readonly verdict: Verdict;
  readonly facts: AnswerFacts | undefined;
  /** An answer that was given whole. */
  readonly whole: Uint8Array | undefined;
  /** What history keeps of the answer in place of what the client got; of a stream always. */
  readonly document: { readonly body: Uint8Array; readonly truncated: boolean } | undefined;
  /** How the answer differed from what was asked for, for the record. */
  readonly notes: readonly string[];
  readonly timings: { sentUs: number; firstByteUs: number; lastByteUs: number; chunks: number };
}

/** An attempt under way. */
export interface RunningAttempt {
  readonly result: Promise<AttemptResult>;
  pause(): void;
  resume(): void;
  /** The client left: closes the upstream's socket at once. */
  cancel(): void;
}

/** What an attempt needs to know. */
export interface AttemptOptions {
  readonly channel: OpenChannel;
  readonly candidate: Candidate;
  readonly exchange: Exchange;
  /** Leave of the channel's health; it hears of the signs of life, its `end` is the caller's to tell. */
  readonly pass: Pass;
  readonly stream: boolean;
  readonly span: Span;
  readonly attemptId: bigint;
  readonly requestIdText: string;
  /** Microseconds since the arrival of the request at the gateway. */
  readonly clockUs: () => number;
}

/** A credential that gives no token rests as one that the upstream refused. */
const noToken: Verdict = { kind: "credential", restMs: 5_000 };
const lostAnswer = "The upstream's answer was lost, so it is not known whether it began the job.";

/** Largest error body that is read. */
const maxErrorBytes = 64 * 1024;
/**
 * What frames an answer is held back until its content, so that another candidate can take its place. An upstream that says
 * more than this without content is believed: 1 Mi characters are more than any vendor's frame around an echoed request.
 */
const maxHeldLength = 1024 * 1024;
const eventsHead: BytesHead = { contentType: "text/event-stream; charset=utf-8" };
/** A whole answer is passed on in pieces: one lane message must not hold 16 MB. */
const pieceBytes = 1024 * 1024;

/** Tries one candidate: sends the request, translates the answer as it comes, says what came of it. */
export function startAttempt(context: ProviderContext, options: AttemptOptions, out: AttemptSink): RunningAttempt {
  const { channel, exchange, clockUs } = options;
  const { credential } = options.pass;
  /** What was sent in its place. */
  let secret = credential;
  const attempt = createAttempt({});
  attempt.attemptId = options.attemptId;
  attempt.channel = channel.name;
  attempt.platform = channel.platform;
  attempt.upstreamModel = options.candidate.upstreamModel;
  const { promise, resolve } = Promise.withResolvers<AttemptResult>();
  const textBytes = createTextBytes();
  const body: Buffer[] = [];
  let bodyBytes = 0;
  const startUs = clockUs();
  /** The answer is passed on as it comes. */
  const flows = options.stream || exchange.bytes !== undefined;
  const isAbroad = leadsAbroad(channel, exchange.message);
  let headers: ResponseHeaders = {};
  let firstByteUs = 0;
  let firstContentUs = 0;
  let lastByteUs = 0;
  let began = false;
  let over = false;
  /** The status carries the answer. */
  let answered = false;
  let ended = false;
  /** A stream was asked for, and nothing but white space has come: what comes may be a whole answer all the same. */
  let undecided = false;
  /** The head says that the body is JSON. */
  let saysJson = false;
  /** The head says that the body is a stream in the format's own frames. */
  let isFramed = false;
  /** A stream was asked for, and a whole answer comes. */
  let isWhole = false;
  const notes: string[] = [];
  /** The stream said something since the last read, beside that it lives. */
  let brought = false;
  let facts: AnswerFacts | undefined;
  let whole: Uint8Array | undefined;
  let next: Exchange | undefined;
  let document: AttemptResult["document"];
  let translation: FlowFacts | undefined;
  let events: StreamTranslation | undefined;
  let bytes: BytesTranslation | undefined;
  let feed: EventFeed | undefined;
  let pending = "";
  /** Ends the fetching of what an answer names. */
  let stopFetching: AbortController | undefined;
  let heardContent = () => {};
  attempt.startUs = BigInt(startUs);

  const moments = (): Moments => ({ sentUs: startUs, firstByteUs, firstContentUs, lastByteUs, nowUs: clockUs() });

  /** Neither the credential nor what was sent in its place. */
  function hiding<T>(shown: T, hide: (shown: T, secret: string) => T): T {
    const hidden = hide(shown, credential);
    return secret === credential ? hidden : hide(hidden, secret);
  }

  /** Whatever broke: the client is to have the name under which the vendor knows of it. */
  function named(error: ThroughlineError): ThroughlineError {
    attempt.upstreamRequestId ||= translation?.upstreamRequestId?.() ?? "";
    return withUpstreamRequestId(error, attempt.upstreamRequestId);
  }

  /** What broke inside an answer: another candidate is asked, unless the upstream blames what the client sent. */
  function settleThrown(cause: unknown): void {
    const thrown = asUpstreamFault(cause);
    const error = ThroughlineError.from(thrown);
    settle(error, error.entry.httpStatus >= 500 && exchange.message.once !== true, thrownVerdict(thrown));
  }

  /** The work may have begun, and nobody could find it: it is not begun a second time elsewhere. */
  function settleUnknown(verdict: Verdict): void {
    settle(new ThroughlineError("upstream_outcome_unknown", lostAnswer), false, verdict);
  }

  function settle(failure: ThroughlineError | undefined, failover: boolean, verdict: Verdict): void {
    if (over) return;
    over = true;
    const error = failure === undefined ? undefined : named(hiding(failure, withoutCredential));
    heardContent();
    stopFetching?.abort();
    attempt.endUs = BigInt(clockUs());
    attempt.resent = call.resent;
    if (error !== undefined) {
      attempt.errorCode = error.code;
      attempt.errorMessage = error.message;
    }
    if (translation !== undefined && began) {
      facts ??= translation.facts();
      document = translation.document(moments());
    }
    resolve({
      attempt,
      began,
      error,
      failover: failover && !began,
      next,
      // Another host than the channel's says nothing of the channel.
      verdict: isAbroad ? neutral : verdict,
      facts: facts && boundedFacts(facts),
      whole,
      document,
      notes,
      timings: { sentUs: startUs, firstByteUs, lastByteUs, chunks: translation?.contentChunks() ?? 0 },
    });
  }

  function send(text: string): void {
    if (text === "") return;
    if (!began) {
      heardContent();
      options.pass.began();
    }
    began = true;
    attempt.upstreamRequestId ||= translation?.upstreamRequestId?.() ?? "";
    if (firstContentUs === 0) firstContentUs = clockUs();
    out.write(textBytes(text), attempt.upstreamRequestId, eventsHead);
  }

  /** Passes on what was translated, once it holds content: what only frames an answer is worth nothing to the client. */
  function passOn(): void {
    if (!began && events?.hasContent() !== true && pending.length <= maxHeldLength) return;
    send(pending);
    pending = "";
  }

  /** Ends the attempt from inside a stream; the socket is of no more use. */
  function breakOff(thrown: unknown): void {
    passOn();
    settleThrown(thrown);
    call.abort();
  }

  /** The call failed below HTTP, or one of its bounds is over. */
  function fail(fault: UpstreamFault): void {
    lastByteUs = clockUs();
    const { upstreamAtFault, failover } = faultTable[fault.kind];
    attempt.fault = fault.kind;
    attempt.faultCode = fault.detail;
    if (exchange.message.once === true && fault.sent) {
      settleUnknown(faultVerdict(fault));
      return;
    }
    // The answer had come to its end: what the connection did then speaks against the channel, and is no loss of the client's.
    if (upstreamAtFault && translation?.isComplete() === true) {
      // The event in which it broke is none.
      feed = undefined;
      finishFlow(faultVerdict(fault));
      return;
    }
    passOn();
    settle(faultError(fault), failover, faultVerdict(fault));
  }

  function tooLarge(): void {
    fail({ kind: "too_large", sent: true, headSeen: true, detail: "" });
    call.abort();
  }

  /** The stream has had its time to begin. */
  function onNoContent(): void {
    const headSeen = attempt.headUs > 0n;
    fail({ kind: "first_token_timeout", sent: true, headSeen, detail: "" });
    call.abort();
  }

  function feedOf(onEvent: (event: UpstreamEvent) => void): EventFeed {
    return isFramed && exchange.framing !== undefined ? exchange.framing.feed(onEvent) : createEventFeed(onEvent);
  }

  function openFeed(stream: StreamTranslation): EventFeed {
    translation = events = stream;
    return feedOf((event) => {
      brought ||= !isKeepAlive(event);
      // What stands behind the end is nobody's.
      if (ended && stream.isComplete()) return;
      pending += stream.event(event);
      ended ||= isEndMark(event);
    });
  }

  /** Bytes go on as they came. */
  function takeBytes(taken: BytesTranslation, chunk: Buffer): void {
    if (over) return;
    try {
      sendBytes(taken, taken.chunk(chunk));
    } catch (thrown) {
      breakOff(thrown);
      return;
    }
    if (!taken.isComplete()) return;
    // As with a stream: what the connection does now is no affair of the client's.
    lastByteUs = clockUs();
    finishBytes(taken, good);
    call.drain();
  }

  function sendBytes({ head }: BytesTranslation, data: Uint8Array): void {
    if (data.length === 0) return;
    if (!began) {
      heardContent();
      options.pass.began();
    }
    began = true;
    attempt.upstreamRequestId ||= translation?.upstreamRequestId?.() ?? "";
    if (firstContentUs === 0) firstContentUs = clockUs();
    out.write(data, attempt.upstreamRequestId, head);
  }

  function finishBytes(taken: BytesTranslation, verdict: Verdict): void {
    try {
      sendBytes(taken, taken.end());
      if (!began) {
        settle(new ThroughlineError("upstream_error", "The upstream's answer was empty."), true, quickFault);
        return;
      }
      facts = taken.facts();
      settle(undefined, false, verdict);
    } catch (thrown) {
      settleThrown(thrown);
    }
  }

  function finishFlow(verdict: Verdict): void {
    if (bytes !== undefined) finishBytes(bytes, verdict);
    else if (events !== undefined) finishStream(events, verdict);
  }

  function takeIn({ feed: take }: EventFeed, chunk: Buffer): void {
    if (over) return;
    try {
      take(chunk);
    } catch (thrown) {
      breakOff(thrown);
      return;
    }
    // What one read brought goes on at once and together.
    passOn();
    if (ended && events?.isComplete() === true) endEarly(events);
  }

  /** The answer is whole, so the client has its end now: some upstreams leave the connection open for minutes. */
  function endEarly(stream: StreamTranslation): void {
    lastByteUs = clockUs();
    finishStream(stream, good);
    call.drain();
  }

  function finishStream(stream: StreamTranslation, verdict: Verdict): void {
    try {
      feed?.end();
      if (!stream.isComplete()) {
        passOn();
        const message = began ? "The upstream's stream ended too early." : "The upstream's stream was empty.";
        settle(new ThroughlineError("upstream_error", message), true, quickFault);
      } else {
        send(pending);
        pending = "";
        send(stream.end(moments()));
        facts = stream.facts();
        settle(undefined, false, verdict);
      }
    } catch (thrown) {
      settleThrown(thrown);
    }
  }

  /** The whole answer is there; what it names by addresses may have to be fetched before it can be given. */
  function giveWhole(all: Buffer): void {
    const { httpStatus: status } = attempt;
    try {
      const refusal = exchange.refusal?.(all, status);
      if (refusal !== undefined) {
        settle(refusal.error, refusal.failover, failureVerdict(status, refusal));
        return;
      }
      next = exchange.next?.({ status, headers, body: all });
      if (next !== undefined) {
        settle(undefined, false, good);
        return;
      }
      const addresses = exchange.fetches?.(all) ?? [];
      if (addresses.length === 0) {
        finish(all, undefined);
        return;
      }
      stopFetching = new AbortController();
      fetchMedia(context, addresses, stopFetching.signal).then((fetched) => finish(all, fetched), settleThrown);
    } catch (thrown) {
      settleThrown(thrown);
    }
  }

  function finish(all: Buffer, fetched: FetchedMedia | undefined): void {
    if (over) return;
    if (isWhole && exchange.events !== undefined) finishAsStream(all, exchange.events, fetched);
    else finishWhole(all, fetched);
  }

  function finishWhole(bytes: Buffer, fetched: FetchedMedia | undefined): void {
    try {
      const { gathered } = exchange;
      const isStream = gathered !== undefined && (isFramed || bodyKindOf(bytes) === "events");
      const answer = isStream
        ? gather(bytes, gathered())
        : exchange.whole(bytes, moments(), fetched, attempt.httpStatus);
      facts = answer;
      whole = answer.body;
      const head = { contentType: answer.contentType ?? "application/json", contentLength: answer.body.length };
      if (answer.document !== undefined) document = { body: answer.document, truncated: false };
      began = true;
      attempt.upstreamRequestId ||= answer.upstreamRequestId ?? "";
      for (let at = 0; at < answer.body.length; at += pieceBytes) {
        out.write(answer.body.subarray(at, at + pieceBytes), attempt.upstreamRequestId, head);
      }
      settle(undefined, false, good);
    } catch (thrown) {
      settleThrown(thrown);
    }
  }

  /** A stream where a whole answer was asked for: what it comes to. */
  function gather(all: Buffer, stream: StreamTranslation): WholeAnswer {
    const gathering = feedOf((event) => {
      if (ended && stream.isComplete()) return;
      stream.event(event);
      ended ||= isEndMark(event);
    });
    gathering.feed(all);
    gathering.end();
    if (!stream.isComplete()) throw new ThroughlineError("upstream_error", "The upstream's stream ended too early.");
    stream.end(moments());
    notes.push("the upstream sent a stream in place of a whole answer: it was put together");
    return { ...stream.facts(), body: stream.document(moments()).body };
  }

  /** A whole answer where a stream was asked for is given as one. */
  function finishAsStream(
    all: Buffer,
    eventsOf: NonNullable<Exchange["events"]>,
    fetched: FetchedMedia | undefined,
  ): void {
    try {
      const parts = eventsOf(all, fetched);
      if (parts === undefined) {
        refuse(all);
        return;
      }
      // That this module's upstreams know no streams is no news.
      if (exchange.gathered !== undefined)
        notes.push("the upstream sent a whole answer in place of a stream: it was cut up");
      const stream = exchange.stream();
      translation = events = stream;
      for (const event of parts) {
        pending += stream.event(event);
        ended ||= isEndMark(event);
      }
      finishStream(stream, good);
    } catch (thrown) {
      settleThrown(thrown);
    }
  }

  /** The body says that the upstream failed. */
  function refuse(all: Buffer): void {
    // Before the message is cut to its length: a part of the credential would be left.
    const said = hiding(all.toString(), hideCredential);
    const failure = channel.adapter.failure(attempt.httpStatus, headers, said, attempt.upstreamRequestId);
    const refused = exchange.message.once !== true || isRefusal(attempt.httpStatus);
    settle(failure.error, failure.failover && refused, failureVerdict(attempt.httpStatus, failure));
  }

  /** A stream was asked for: what came goes by what it is, and where that does not tell, by what its head says. */
  function decide(kind: BodyKind): void {
    undecided = false;
    isWhole = kind === "json" && exchange.events !== undefined;
    // What says that it is JSON and is none is no answer: its beginning is read as an error's.
    if (kind === "events" || (kind === "other" && !saysJson)) feed = openFeed(exchange.stream());
  }

  const sink: UpstreamSink = {
    onHead(status, given) {
      headers = given;
      options.pass.heard();
      attempt.httpStatus = status;
      attempt.headUs = BigInt(clockUs());
      attempt.upstreamRequestId = upstreamRequestIdOf(given, channel.adapter.requestIdHeaders);
      const type = String(given["content-type"] ?? "");
      answered = exchange.accepts?.(status) ?? status === 200;
      saysJson = type.includes("application/json");
      isFramed = exchange.framing !== undefined && type.includes(exchange.framing.contentType);
      if (given["content-encoding"] !== undefined) notes.push("the upstream packed its answer, which nobody asked for");
      if (!answered) return "whole";
      if (!saysJson && carriesBytes(status)) translation = bytes = exchange.bytes?.(bytesHeadOf(status, type, given));
      if (bytes !== undefined) return "stream";
      undecided = options.stream;
      // By its beginning a frame may be anything.
      if (isFramed && undecided) decide("events");
      if (saysJson || !options.stream) return "whole";
      return "stream";
    },
    onData(chunk) {
      if (firstByteUs === 0) firstByteUs = clockUs();
      if (undecided) {
        const kind = bodyKindOf(chunk);
        // White space is nothing to either.
        if (kind === undefined) return true;
        decide(kind);
      }
      if (feed !== undefined) {
        brought = false;
        takeIn(feed, chunk);
        // Until the first content every sign of life counts: that wait has a bound of its own.
        return brought || !began;
      }
      if (bytes !== undefined) {
        takeBytes(bytes, chunk);
        return true;
      }
      if ((answered && (!options.stream || isWhole)) || bodyBytes < maxErrorBytes) {
        bodyBytes += chunk.length;
        body.push(chunk);
        // A document where bytes were expected has no other bound.
        if (bodyBytes > context.config.maxBodyBytes) tooLarge();
      }
      return true;
    },
    onEnd() {
      if (over) return;
      lastByteUs = clockUs();
      if (undecided) decide("other");
      if (translation !== undefined) return finishFlow(good);
      const all = body.length === 1 && body[0] !== undefined ? body[0] : Buffer.concat(body);
      // An attempt is kept until its answer was given; what came of it is not.
      body.length = 0;
      if (answered && (!options.stream || (isWhole && exchange.events !== undefined))) {
        giveWhole(all);
        return;
      }
      refuse(all);
    },
    onError(fault) {
      if (!over) fail(fault);
    },
  };

  /** `token`: what messages of the channel are signed with. */
  function begin(token: string): UpstreamCall {
    secret = token;
    return (isAbroad ? context.results : context.upstream).send(
      {
        ...toRequest(channel, exchange.message, {
          credential: token,
          stream: options.stream,
          requestIdText: options.requestIdText,
          traceparent: options.span.traceparent,
        }),
        ...boundsOf(channel),
        ...(flows ? {} : { maxBodyBytes: context.config.maxBodyBytes }),
      },
      sink,
    );
  }

  const token = isAbroad ? credential : context.tokens.of(channel, credential);
  const call: UpstreamCall =
    typeof token === "string"
      ? begin(token)
      : callLater(token, begin, {
          onUnready: (thrown) => settle(ThroughlineError.from(thrown), true, noToken),
          onAborted: () => sink.onError({ kind: "aborted", sent: false, headSeen: false, detail: "" }),
        });
  if (flows) heardContent = context.firstToken.wait(channel.firstTokenTimeoutMs, onNoContent);

  return {
    result: promise,
    pause() {
      if (!over) call.pause();
    },
    resume: () => call.resume(),
    cancel() {
      call.abort();
      stopFetching?.abort();
    },
  };
}

/** True: the upstream says that it began nothing. What stands before it may answer with other statuses of 500 and more. */
function isRefusal(status: number): boolean {
  return status < 500 || status === 503 || status === 529;
}

function carriesBytes(status: number): boolean {
  return status === 200 || status === 206;
}

function bytesHeadOf(status: number, contentType: string, headers: ResponseHeaders): BytesHead {
  const range = headers["content-range"];
  return {
    contentType,
    contentLength: lengthOf(headers),
    ...(status === 206 && typeof range === "string" ? { status, contentRange: range } : {}),
  };
}

/** The length that a head announces of a body that is sent as it is; undefined: none. */
function lengthOf(headers: ResponseHeaders): number | undefined {
  const length = Number(headers["content-encoding"] === undefined ? headers["content-length"] : Number.NaN);
  return Number.isSafeInteger(length) && length > 0 ? length : undefined;
}
