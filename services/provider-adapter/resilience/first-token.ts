import { createWatch, type Watch } from "../upstream/watch.ts";

/** Bounds the time from sending to the first content of a stream. */
export interface FirstTokenWatch {
  /** Begins to wait. `timeoutMs`: the channel's bound; 0: the provider's. Gives what ends the waiting, when the content has come or the attempt is over. */
  wait(timeoutMs: number, onSilence: () => void): () => void;
  stop(): void;
}

/** Starts it: one timer for all streams. Bytes and frames do not count: upstreams send both while a request only queues. */
export function watchFirstTokens(timeoutMs: number): FirstTokenWatch {
  const watch: Watch = createWatch(Math.max(10, Math.min(250, Math.floor(timeoutMs / 8))));
  const allowedTicks = watch.ticks(timeoutMs);
  return {
    wait(ofChannelMs, onSilence) {
      const item = {
        heardAtTick: 0,
        allowedTicks: ofChannelMs === 0 ? allowedTicks : watch.ticks(ofChannelMs),
        onSilence,
      };
      watch.add(item);
      return () => watch.delete(item);
    },
    stop: () => watch.stop(),
  };
}
