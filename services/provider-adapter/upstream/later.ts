import type { UpstreamCall } from "./request.ts";

/** Who hears of a call that never began. */
export interface LateSink {
  /** What it waited for did not come. */
  onUnready(thrown: unknown): void;
  /** It was aborted before. */
  onAborted(): void;
}

/**
 * A call that begins when what it needs is there. Until then it can be paused, which then holds from its beginning, and
 * aborted: what comes after that is let go of.
 */
export function callLater<T>(ready: Promise<T>, begin: (needed: T) => UpstreamCall, sink: LateSink): UpstreamCall {
  const late = new LateCall(sink);
  ready.then(
    (needed) => {
      if (!late.isOver) late.begun(begin(needed));
    },
    (thrown: unknown) => late.unready(thrown),
  );
  return late;
}

/** A class, for its getter would be made for each request. */
class LateCall implements UpstreamCall {
  isOver = false;
  readonly #sink: LateSink;
  #call: UpstreamCall | undefined = undefined;
  #paused = false;

  constructor(sink: LateSink) {
    this.#sink = sink;
  }

  get resent(): boolean {
    return this.#call?.resent ?? false;
  }

  begun(call: UpstreamCall): void {
    this.#call = call;
    if (this.#paused) call.pause();
  }

  unready(thrown: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#sink.onUnready(thrown);
  }

  pause(): void {
    this.#paused = true;
    this.#call?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#call?.resume();
  }

  drain(): void {
    this.#call?.drain();
  }

  abort(): void {
    if (this.#call !== undefined) this.#call.abort();
    else if (!this.isOver) {
      this.isOver = true;
      this.#sink.onAborted();
    }
  }
}
