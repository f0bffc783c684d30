import { ThroughlineError } from "../../../shared/errors/error.ts";
import { createAttempt } from "../../../shared/gen/lane_codecs.ts";
import type { Attempt } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { AnswerFacts, BytesHead, EventFeed, Exchange, FlowFacts, UpstreamEvent } from "../domain/exchange.ts";
import type { Moments } from "../domain/latency.ts";
import { neutral, thrownVerdict, type Verdict } from "../resilience/verdict.ts";
import type { ResponseHeaders, UpstreamCall } from "../upstream/request.ts";
import { type BodyKind, bodyKindOf } from "../wire/body-kind.ts";
import { createEventFeed } from "../wire/event-feed.ts";
import { asUpstreamFault } from "../wire/too-deep.ts";
import type { AttemptOptions, AttemptResult, AttemptSink } from "./attempt-result.ts";
import { boundedFacts } from "./bounded-facts.ts";
import { hideCredential, withoutCredential } from "./hide-credential.ts";
import { leadsAbroad } from "./to-request.ts";
import { withUpstreamRequestId } from "./upstream-request-id.ts";

/** How JSON begins. */
const [brace, bracket] = Buffer.from("{[");
const lostAnswer = "The upstream's answer was lost, so it is not known whether it began the job.";

/**
 * Where one attempt stands, and its end: what all ways of taking an answer (whole, as events, as bytes) share. A class, for
 * closures would be made for each request.
 */
export class AttemptState {
  readonly options: AttemptOptions;
  readonly attempt: Attempt;
  /** How the answer differs from what was asked for. */
  readonly notes: string[] = [];
  /** Another host than the channel's is asked. */
  readonly isAbroad: boolean;
  readonly result: Promise<AttemptResult>;
  /** What was sent in place of the credential. */
  secret: string;
  headers: ResponseHeaders = {};
  /** The head says that the body is a stream in the format's own frames. */
  isFramed = false;
  firstByteUs = 0;
  lastByteUs = 0;
  /** The client was given something. */
  began = false;
  over = false;
  facts: AnswerFacts | undefined = undefined;
  whole: Uint8Array | undefined = undefined;
  next: Exchange | undefined = undefined;
  document: AttemptResult["document"] = undefined;
  /** The answer that is passed on as it comes. */
  flow: FlowFacts | undefined = undefined;
  /** The call of the upstream, as soon as it is sent. */
  call: UpstreamCall | undefined = undefined;
  /** Ends the wait for the first content. */
  stopWaiting: (() => void) | undefined = undefined;
  /** Ends the fetching of what an answer names. */
  stopFetching: AbortController | undefined = undefined;
  readonly #out: AttemptSink;
  readonly #startUs: number;
  readonly #resolve: (result: AttemptResult) => void;
  #firstContentUs = 0;

  constructor(options: AttemptOptions, out: AttemptSink) {
    const { channel, candidate, exchange, attemptId, clockUs } = options;
    const { promise, resolve } = Promise.withResolvers<AttemptResult>();
    this.options = options;
    this.secret = options.pass.credential;
    this.#out = out;
    this.#resolve = resolve;
    this.result = promise;
    this.isAbroad = leadsAbroad(channel, exchange.message);
    this.#startUs = clockUs();
    const attempt = createAttempt({});
    attempt.attemptId = attemptId;
    attempt.channel = channel.name;
    attempt.platform = channel.platform;
    attempt.upstreamModel = candidate.upstreamModel;
    attempt.startUs = BigInt(this.#startUs);
    this.attempt = attempt;
  }

  moments(): Moments {
    return {
      sentUs: this.#startUs,
      firstByteUs: this.firstByteUs,
      firstContentUs: this.#firstContentUs,
      lastByteUs: this.lastByteUs,
      nowUs: this.options.clockUs(),
    };
  }

  /** What a body is, by its beginning: that of the format's own frames may look like a text. Undefined: there is only white space. */
  kindOf(start: Buffer): BodyKind | undefined {
    const isJson = start[0] === brace || start[0] === bracket;
    this.isFramed = (this.isFramed && !isJson) || this.options.exchange.framing?.begins(start) === true;
    return this.isFramed ? "events" : bodyKindOf(start);
  }

  /** Begins to read events, as the format or the usual way frames them. */
  openFeed(onEvent: (event: UpstreamEvent) => void): EventFeed {
    const { framing } = this.options.exchange;
    return this.isFramed && framing !== undefined ? framing.feed(onEvent) : createEventFeed(onEvent);
  }

  /** A text of the upstream's without the credential and what was sent in its place. */
  hiding(text: string): string {
    return this.#hide(text, hideCredential);
  }

  /** Gives the client bytes of an answer that is passed on as it comes. */
  give(data: Uint8Array, head: BytesHead): void {
    if (!this.began) {
      this.stopWaiting?.();
      this.options.pass.began();
    }
    this.began = true;
    this.attempt.upstreamRequestId ||= this.flow?.upstreamRequestId?.() ?? "";
    if (this.#firstContentUs === 0) this.#firstContentUs = this.options.clockUs();
    this.#out.write(data, this.attempt.upstreamRequestId, head);
  }

  /** Gives the client a piece of an answer that is known as a whole. */
  givePiece(data: Uint8Array, head: BytesHead): void {
    this.#out.write(data, this.attempt.upstreamRequestId, head);
  }

  /** What broke inside an answer: another candidate is asked, unless the upstream blames what the client sent. */
  settleThrown(cause: unknown): void {
    const thrown = asUpstreamFault(cause);
    const error = ThroughlineError.from(thrown);
    const isOnce = this.options.exchange.message.once === true;
    this.settle(error, error.entry.httpStatus >= 500 && !isOnce, thrownVerdict(thrown));
  }

  /** The work may have begun, and nobody could find it: it is not begun a second time elsewhere. */
  settleUnknown(verdict: Verdict): void {
    this.settle(new ThroughlineError("upstream_outcome_unknown", lostAnswer), false, verdict);
  }

  settle(failure: ThroughlineError | undefined, failover: boolean, verdict: Verdict): void {
    if (this.over) return;
    this.over = true;
    const { attempt, flow } = this;
    const error = failure === undefined ? undefined : this.#named(failure);
    this.stopWaiting?.();
    this.stopFetching?.abort();
    attempt.endUs = BigInt(this.options.clockUs());
    attempt.resent = this.call?.resent === true;
    if (error !== undefined) {
      attempt.errorCode = error.code;
      attempt.errorMessage = error.message;
    }
    if (flow !== undefined && this.began) {
      this.facts ??= flow.facts();
      this.document = flow.document(this.moments());
    }
    this.#resolve({
      attempt,
      began: this.began,
      error,
      failover: failover && !this.began,
      next: this.next,
      // Another host than the channel's says nothing of the channel.
      verdict: this.isAbroad ? neutral : verdict,
      facts: this.facts && boundedFacts(this.facts),
      whole: this.whole,
      document: this.document,
      notes: this.notes,
      timings: {
        sentUs: this.#startUs,
        firstByteUs: this.firstByteUs,
        lastByteUs: this.lastByteUs,
        chunks: flow?.contentChunks() ?? 0,
      },
    });
  }

  #hide<T>(shown: T, hide: (shown: T, secret: string) => T): T {
    const { credential } = this.options.pass;
    const hidden = hide(shown, credential);
    return this.secret === credential ? hidden : hide(hidden, this.secret);
  }

  /** Whatever broke: the client is to have the name under which the vendor knows of it, and no credential. */
  #named(failure: ThroughlineError): ThroughlineError {
    const error = this.#hide(failure, withoutCredential);
    this.attempt.upstreamRequestId ||= this.flow?.upstreamRequestId?.() ?? "";
    return withUpstreamRequestId(error, this.attempt.upstreamRequestId);
  }
}
