import { ThroughlineError } from "../../../shared/errors/error.ts";
import { boundsOf } from "../channels.ts";
import type { ProviderContext } from "../context.ts";
import { faultVerdict, good, type Verdict } from "../resilience/verdict.ts";
import { faultError, faultTable, type UpstreamFault } from "../upstream/faults.ts";
import { callLater } from "../upstream/later.ts";
import type { ResponseHeaders, UpstreamCall, UpstreamSink } from "../upstream/request.ts";
import type { BodyKind } from "../wire/body-kind.ts";
import type { AttemptOptions, AttemptResult, AttemptSink, RunningAttempt } from "./attempt-result.ts";
import { AttemptState } from "./attempt-state.ts";
import { bytesHeadOf, carriesBytes } from "./bytes-head.ts";
import { BytesTaker } from "./take-bytes.ts";
import { EventsTaker } from "./take-events.ts";
import { giveWhole, refuse } from "./take-whole.ts";
import { toRequest } from "./to-request.ts";
import { upstreamRequestIdOf } from "./upstream-request-id.ts";

/** A credential that gives no token rests as one that the upstream refused. */
const noToken: Verdict = { kind: "credential", restMs: 5_000 };
/** Largest error body that is read. */
const maxErrorBytes = 64 * 1024;

/** Tries one candidate: sends the request, translates the answer as it comes, says what came of it. */
export function startAttempt(context: ProviderContext, options: AttemptOptions, out: AttemptSink): RunningAttempt {
  const taker = new AnswerTaker(context, options, out);
  taker.send();
  return taker;
}

/** One attempt: hears the upstream and hands on what comes to whoever takes such an answer. */
class AnswerTaker implements UpstreamSink, RunningAttempt {
  readonly #context: ProviderContext;
  readonly #state: AttemptState;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;
  /** The status carries the answer. */
  #answered = false;
  /** A stream was asked for, and nothing but white space has come: what comes may be a whole answer all the same. */
  #undecided = false;
  /** The head says that the body is JSON. */
  #saysJson = false;
  /** A stream was asked for, and a whole answer comes. */
  #isWhole = false;
  #events: EventsTaker | undefined = undefined;
  #bytes: BytesTaker | undefined = undefined;

  constructor(context: ProviderContext, options: AttemptOptions, out: AttemptSink) {
    this.#context = context;
    this.#state = new AttemptState(options, out);
  }

  // ---- for who runs it

  get result(): Promise<AttemptResult> {
    return this.#state.result;
  }

  send(): void {
    const { firstToken, tokens } = this.#context;
    const state = this.#state;
    const { channel, pass } = state.options;
    const token = state.isAbroad ? pass.credential : tokens.of(channel, pass.credential);
    state.call =
      typeof token === "string"
        ? this.#begin(token)
        : callLater(token, (given) => this.#begin(given), {
            onUnready: (thrown) => state.settle(ThroughlineError.from(thrown), true, noToken),
            onAborted: () => this.onError({ kind: "aborted", sent: false, headSeen: false, detail: "" }),
          });
    if (this.#flows()) state.stopWaiting = firstToken.wait(channel.firstTokenTimeoutMs, () => this.#onNoContent());
  }

  /** The answer is passed on as it comes. */
  #flows(): boolean {
    const { stream, exchange } = this.#state.options;
    return stream || exchange.bytes !== undefined;
  }

  /** `token`: what messages of the channel are signed with. */
  #begin(token: string): UpstreamCall {
    const context = this.#context;
    const state = this.#state;
    const { channel, exchange, stream, requestIdText, span } = state.options;
    state.secret = token;
    return (state.isAbroad ? context.results : context.upstream).send(
      {
        ...toRequest(channel, exchange.message, {
          credential: token,
          stream,
          requestIdText,
          traceparent: span.traceparent,
        }),
        ...boundsOf(channel),
        ...(this.#flows() ? {} : { maxBodyBytes: context.config.maxBodyBytes }),
      },
      this,
    );
  }

  pause(): void {
    if (!this.#state.over) this.#state.call?.pause();
  }

  resume(): void {
    this.#state.call?.resume();
  }

  cancel(): void {
    this.#state.call?.abort();
    this.#state.stopFetching?.abort();
  }

  // ---- what the upstream says

  onHead(status: number, headers: ResponseHeaders): "whole" | "stream" {
    const state = this.#state;
    const { attempt, notes } = state;
    const { channel, exchange, pass, stream, clockUs } = state.options;
    state.headers = headers;
    pass.heard();
    attempt.httpStatus = status;
    attempt.headUs = BigInt(clockUs());
    attempt.upstreamRequestId = upstreamRequestIdOf(headers, channel.adapter.requestIdHeaders);
    const type = String(headers["content-type"] ?? "");
    this.#answered = exchange.accepts?.(status) ?? status === 200;
    this.#saysJson = type.includes("application/json");
    state.isFramed = exchange.framing !== undefined && type.includes(exchange.framing.contentType);
    if (headers["content-encoding"] !== undefined) notes.push("the upstream packed its answer, which nobody asked for");
    if (!this.#answered) return "whole";
    if (!this.#saysJson && carriesBytes(status)) {
      const translation = exchange.bytes?.(bytesHeadOf(status, type, headers));
      if (translation !== undefined) this.#bytes = new BytesTaker(state, translation);
    }
    if (this.#bytes !== undefined) return this.#bytes.isMade ? "whole" : "stream";
    this.#undecided = stream;
    return this.#saysJson || !stream ? "whole" : "stream";
  }

  onData(chunk: Buffer): boolean {
    const state = this.#state;
    if (state.firstByteUs === 0) state.firstByteUs = state.options.clockUs();
    if (this.#undecided) {
      const kind = state.kindOf(chunk);
      // White space is nothing to either.
      if (kind === undefined) return true;
      this.#decide(kind);
    }
    // Until the first content every sign of life counts: that wait has a bound of its own.
    if (this.#events !== undefined) return this.#events.take(chunk) || !state.began;
    if (this.#bytes !== undefined) {
      this.#bytes.take(chunk);
      return true;
    }
    if ((this.#answered && (!state.options.stream || this.#isWhole)) || this.#bodyBytes < maxErrorBytes) {
      this.#bodyBytes += chunk.length;
      this.#body.push(chunk);
      // A document where bytes were expected has no other bound.
      if (this.#bodyBytes > this.#context.config.maxBodyBytes) this.#breakOff("too_large", true);
    }
    return true;
  }

  onEnd(): void {
    const state = this.#state;
    if (state.over) return;
    state.lastByteUs = state.options.clockUs();
    if (this.#undecided) this.#decide("other");
    if (state.flow !== undefined) {
      this.#finishFlow(good);
      return;
    }
    const body = this.#body;
    const all = body.length === 1 && body[0] !== undefined ? body[0] : Buffer.concat(body);
    // An attempt is kept until its answer was given; what came of it is not.
    body.length = 0;
    const { stream, exchange } = state.options;
    if (this.#answered && (!stream || this.#isWhole))
      giveWhole(this.#context, state, all, this.#isWhole ? exchange.events : undefined);
    else refuse(state, all);
  }

  onError(fault: UpstreamFault): void {
    if (!this.#state.over) this.#fail(fault);
  }

  // ---- what follows from it

  /** A stream was asked for: what came goes by what it is, and where that does not tell, by what its head says. */
  #decide(kind: BodyKind): void {
    const { exchange } = this.#state.options;
    this.#undecided = false;
    this.#isWhole = kind === "json" && exchange.events !== undefined;
    // A body that calls itself JSON and is none is no answer: its beginning is read as an error's.
    if (kind === "events" || (kind === "other" && !this.#saysJson))
      this.#events = new EventsTaker(this.#state, exchange.stream());
  }

  #finishFlow(verdict: Verdict): void {
    if (this.#bytes !== undefined) this.#bytes.finish(verdict);
    else this.#events?.finish(verdict);
  }

  /** The call failed below HTTP, or one of its bounds is over. */
  #fail(fault: UpstreamFault): void {
    const state = this.#state;
    const { attempt, flow } = state;
    const { exchange, clockUs } = state.options;
    state.lastByteUs = clockUs();
    const { upstreamAtFault, failover } = faultTable[fault.kind];
    attempt.fault = fault.kind;
    attempt.faultCode = fault.detail;
    if (exchange.message.once === true && fault.sent) {
      state.settleUnknown(faultVerdict(fault));
      return;
    }
    // The answer had come to its end: what the connection did then speaks against the channel, and is no loss of the client's.
    if (upstreamAtFault && flow?.isComplete() === true) {
      if (this.#bytes !== undefined) this.#bytes.finish(faultVerdict(fault));
      else this.#events?.cutAfterEnd(faultVerdict(fault));
      return;
    }
    this.#events?.passOn();
    state.settle(faultError(fault), failover, faultVerdict(fault));
  }

  /** The stream has had its time to begin. */
  #onNoContent(): void {
    this.#breakOff("first_token_timeout", this.#state.attempt.headUs > 0n);
  }

  /** Ends the attempt by a bound of ours; the socket is of no more use. */
  #breakOff(kind: "too_large" | "first_token_timeout", headSeen: boolean): void {
    this.#fail({ kind, sent: true, headSeen, detail: "" });
    this.#state.call?.abort();
  }
}
