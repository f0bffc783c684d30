import type { UpstreamCall } from "./call.ts";

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
  let call: UpstreamCall | undefined;
  let paused = false;
  let over = false;
  ready.then(
    (needed) => {
      if (over) return;
      call = begin(needed);
      if (paused) call.pause();
    },
    (thrown: unknown) => {
      if (over) return;
      over = true;
      sink.onUnready(thrown);
    },
  );
  return {
    get resent() {
      return call?.resent ?? false;
    },
    pause() {
      paused = true;
      call?.pause();
    },
    resume() {
      paused = false;
      call?.resume();
    },
    drain: () => call?.drain(),
    abort() {
      if (call !== undefined) call.abort();
      else if (!over) {
        over = true;
        sink.onAborted();
      }
    },
  };
}
