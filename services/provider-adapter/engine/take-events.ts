import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { BytesHead, EventFeed, StreamTranslation, UpstreamEvent } from "../domain/exchange.ts";
import { good, quickFault, type Verdict } from "../resilience/verdict.ts";
import { isEndMark } from "../wire/end-mark.ts";
import { isKeepAlive } from "../wire/keep-alive.ts";
import { createTextBytes, type TextBytes } from "../wire/text-bytes.ts";
import type { AttemptState } from "./attempt-state.ts";

/**
 * What frames an answer is held back until its content, so that another candidate can take its place. An upstream that says
 * more than this without content is believed: 1 Mi characters are more than any vendor's frame around an echoed request.
 */
const maxHeldLength = 1024 * 1024;
const lineFeed = 0x0a;
const eventsHead: BytesHead = { contentType: "text/event-stream; charset=utf-8" };

/** Takes an answer of events, which go on translated as they come. */
export class EventsTaker {
  readonly #state: AttemptState;
  readonly #stream: StreamTranslation;
  readonly #textBytes: TextBytes = createTextBytes();
  #feed: EventFeed | undefined = undefined;
  /** What was translated and has not gone on. */
  #pending = "";
  /** The mark of the end has come. */
  #ended = false;
  /** What was read ends with an event, so what is read next begins with one. */
  #isBetween = false;
  /** The stream said something since the last read, beside that it lives. */
  #brought = false;

  constructor(state: AttemptState, stream: StreamTranslation) {
    this.#state = state;
    this.#stream = stream;
    state.flow = stream;
  }

  /** Takes bytes of the stream. True: they brought something, beside that the upstream lives. */
  take(chunk: Buffer): boolean {
    const state = this.#state;
    if (state.over) return false;
    if (this.#isBetween && state.began && !this.#ended) {
      const passed = this.#stream.passBytes?.(chunk, this.#textBytes);
      if (passed !== undefined) {
        state.give(passed, eventsHead);
        return true;
      }
    }
    this.#isBetween = chunk.length > 1 && chunk[chunk.length - 1] === lineFeed && chunk[chunk.length - 2] === lineFeed;
    this.#brought = false;
    this.#feed ??= state.openFeed((event) => this.#hear(event));
    try {
      this.#feed.feed(chunk);
    } catch (thrown) {
      // The socket is of no more use.
      this.passOn();
      state.settleThrown(thrown);
      state.call?.abort();
      return this.#brought;
    }
    // The events of one read go on at once and together.
    this.passOn();
    if (this.#ended && this.#stream.isComplete()) this.#endEarly();
    return this.#brought;
  }

  /** Takes one event of an answer that is known as a whole. */
  add(event: UpstreamEvent): void {
    this.#pending += this.#stream.event(event);
    this.#ended ||= isEndMark(event);
  }

  /** Passes on what was translated, once it holds content: what only frames an answer is worth nothing to the client. */
  passOn(): void {
    if (!this.#state.began && !this.#stream.hasContent() && this.#pending.length <= maxHeldLength) return;
    this.#givePending();
  }

  /** The connection broke behind the end of the answer. The event in which it did so is none. */
  cutAfterEnd(verdict: Verdict): void {
    this.#feed = undefined;
    this.finish(verdict);
  }

  /** The upstream's stream has ended. */
  finish(verdict: Verdict): void {
    const state = this.#state;
    try {
      this.#feed?.end();
      if (!this.#stream.isComplete()) {
        this.passOn();
        const message = state.began ? "The upstream's stream ended too early." : "The upstream's stream was empty.";
        state.settle(new ThroughlineError("upstream_error", message), true, quickFault);
        return;
      }
      this.#givePending();
      this.#give(this.#stream.end(state.moments()));
      state.facts = this.#stream.facts();
      state.settle(undefined, false, verdict);
    } catch (thrown) {
      state.settleThrown(thrown);
    }
  }

  #hear(event: UpstreamEvent): void {
    this.#brought ||= !isKeepAlive(event);
    // Bytes behind the end belong to no event.
    if (this.#ended && this.#stream.isComplete()) return;
    this.add(event);
  }

  /** The answer is whole, so the client has its end now: some upstreams leave the connection open for minutes. */
  #endEarly(): void {
    const state = this.#state;
    state.lastByteUs = state.options.clockUs();
    this.finish(good);
    state.call?.drain();
  }

  #givePending(): void {
    const pending = this.#pending;
    this.#pending = "";
    this.#give(pending);
  }

  #give(text: string): void {
    if (text !== "") this.#state.give(this.#textBytes.of(text), eventsHead);
  }
}
