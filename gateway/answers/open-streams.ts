import { createRoster } from "../../shared/roster.ts";

/** Streams that are open, for the keep-alive timer. */
export interface OpenStreams {
  add(stream: { quietSinceMs: number; ping(): void }): () => void;
  stop(): void;
}

/** Sends a comment on every stream that was quiet for `keepAliveMs`: one timer for all of them. */
export function createOpenStreams(keepAliveMs: number): OpenStreams {
  const streams = createRoster<{ quietSinceMs: number; ping(): void }>();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const stream of streams) {
      if (nowMs - stream.quietSinceMs >= keepAliveMs) {
        stream.quietSinceMs = nowMs;
        stream.ping();
      }
    }
  }, keepAliveMs / 5);
  timer.unref();
  return {
    add(stream) {
      const place = streams.add(stream);
      return () => streams.remove(place);
    },
    stop: () => clearInterval(timer),
  };
}
