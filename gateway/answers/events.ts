import type { ServerResponse } from "node:http";
import type { Answer } from "../story/ask.ts";
import type { Body } from "./body.ts";
import { createFlowingAnswer } from "./flowing.ts";
import type { InBandError } from "./in-band-errors.ts";
import type { OpenStreams } from "./open-streams.ts";

/** What keeps a connection alive and says nothing. */
const comment = Buffer.from(": keep-alive\n\n");

/** An answer of server-sent events. */
export function createEventsAnswer(
  response: ServerResponse,
  open: OpenStreams,
  requestId: string,
  inBandError: InBandError,
): Answer {
  let body: Body | undefined;
  const stream = { quietSinceMs: performance.now(), ping: () => void body?.write(comment) };
  let close = (): void => {};
  let lastFrame: Uint8Array | undefined;
  return createFlowingAnswer(response, {
    begin({ contentType }) {
      response.setHeader("content-type", contentType || "text/event-stream; charset=utf-8");
      response.setHeader("cache-control", "no-store, no-transform");
      response.setHeader("x-accel-buffering", "no");
    },
    opened(given) {
      body = given;
      close = open.add(stream);
    },
    gives(data) {
      stream.quietSinceMs = performance.now();
      lastFrame = data;
    },
    close: () => close(),
    failure: (error) => inBandError(error, requestId, lastFrame),
  });
}
