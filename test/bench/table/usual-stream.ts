import type { Behaviour } from "../upstream/answers.ts";

/** The stream of the table. */
export const stream = { kind: "stream", chunks: 100, everyMs: 5, chunkBytes: 0 } satisfies Behaviour;
/**
 * How long one takes. Streams that begin in one millisecond stay in step for ever: first bytes then measure how quickly
 * 50 requests are served at once, and all chunks of a tick go out in one. Clients are not in step.
 */
export const streamMs = stream.chunks * stream.everyMs;
/** Its chunks, usage and `[DONE]`. */
export const streamEvents = stream.chunks + 2;
