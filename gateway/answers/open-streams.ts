import { createRoster } from "../../shared/roster.ts";

/** An open stream, as the keep-alive timer sees it. */
export interface OpenStream {
  /** It said something since the timer looked at it. A mark in place of a time: no chunk asks for the clock. */
  said: boolean;
  /** So often in a row the timer has found it quiet. */
  quietTicks: number;
  ping(): void;
}

/** Streams that are open, for the keep-alive timer. */
export interface OpenStreams {
  add(stream: OpenStream): () => void;
  stop(): void;
}

const ticks = 5;

/** Sends a comment on every stream that was quiet for `keepAliveMs`, up to a fifth of it later: one timer for all of them. */
export function createOpenStreams(keepAliveMs: number): OpenStreams {
  const streams = createRoster<OpenStream>();
  const timer = setInterval(() => {
    for (const stream of streams) {
      stream.quietTicks = stream.said ? 0 : stream.quietTicks + 1;
      stream.said = false;
      if (stream.quietTicks < ticks) continue;
      stream.quietTicks = 0;
      stream.ping();
    }
  }, keepAliveMs / ticks);
  timer.unref();
  return {
    add(stream) {
      const place = streams.add(stream);
      return () => streams.remove(place);
    },
    stop: () => clearInterval(timer),
  };
}
