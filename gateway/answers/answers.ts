import type { ServerResponse } from "node:http";
import { envelope } from "../../shared/errors/envelope.ts";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { Head } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { createRoster } from "../../shared/roster.ts";
import type { Answer } from "../story/ask.ts";

/**
 * Writes a failure inside a stream that has begun, in the client's dialect.
 *
 * @param lastFrame the bytes that the client was given last; undefined: none.
 */
export type InBandError = (error: ThroughlineError, requestId: string, lastFrame: Uint8Array | undefined) => string;

/** OpenAI chat and completions: the SDKs throw on a data chunk with an `error` key. No `[DONE]` follows. */
export const openaiInBandError: InBandError = (error, requestId) =>
  `data: ${JSON.stringify(envelope(error, requestId))}\n\n`;

/** Events with a name, as Anthropic's SDK needs: it drops unnamed ones. */
export const namedInBandError: InBandError = (error, requestId) =>
  `event: error\ndata: ${JSON.stringify(envelope(error, requestId))}\n\n`;

/**
 * OpenAI's responses: a flat `error` event that continues the numbering, with the IDs beside its own fields. openai 7.55
 * throws it as an APIError, 6.49 gives it to the client as an event.
 */
export const responsesInBandError: InBandError = (error, requestId, lastFrame) => {
  const { code, message, param, request_id, upstream_request_id } = envelope(error, requestId).error;
  const numbers = lastFrame === undefined ? [] : [...text(lastFrame).matchAll(/"sequence_number": ?(\d+)/g)];
  const sequence_number = Number(numbers.at(-1)?.[1] ?? -1) + 1;
  const event = { type: "error", code, message, param, sequence_number, request_id, upstream_request_id };
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
};

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** Puts the headers of a begun answer on the response. */
function setHead(response: ServerResponse, head: Head, headers: Readonly<Record<string, string>>): void {
  if (head.upstreamRequestId !== "") response.setHeader("x-upstream-request-id", printable(head.upstreamRequestId));
  for (const name in headers) response.setHeader(name, headers[name] ?? "");
}

/** An upstream's text as a header value: Node refuses control and non-Latin-1 characters. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "").slice(0, 256);
}

interface ClientWatch {
  readonly gone: boolean;
  onGone(listener: () => void): void;
}

/** Notices when the client leaves before the answer has ended. */
function watchClient(response: ServerResponse): ClientWatch {
  const listeners: (() => void)[] = [];
  const watch = {
    gone: response.destroyed && !response.writableFinished,
    onGone(listener: () => void) {
      if (watch.gone) listener();
      else listeners.push(listener);
    },
  };
  response.once("close", () => {
    if (response.writableFinished) return;
    watch.gone = true;
    for (const listener of listeners) listener();
  });
  return watch;
}

/** An answer of one JSON body. It is sent at the end, so that a failure before then still has its own status. */
export function createJsonAnswer(response: ServerResponse): Answer {
  const watch = watchClient(response);
  const parts: Uint8Array[] = [];
  let head: { head: Head; headers: Readonly<Record<string, string>> } | undefined;
  return {
    isGone() {
      return watch.gone;
    },
    hasBegun: () => false,
    onGone: watch.onGone,
    begin(given, headers) {
      head = { head: given, headers };
    },
    write(data) {
      parts.push(data);
      return undefined;
    },
    letGo() {},
    end() {
      const body = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      if (head !== undefined) setHead(response, head.head, head.headers);
      response.setHeader("content-type", head?.head.contentType || "application/json");
      response.setHeader("content-length", body.length);
      response.writeHead(200);
      response.end(body);
    },
    fail() {
      response.destroy();
    },
  };
}

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

/** An answer of server-sent events. */
export function createStreamAnswer(
  response: ServerResponse,
  open: OpenStreams,
  requestId: string,
  inBandError: InBandError,
): Answer {
  const watch = watchClient(response);
  const stream = { quietSinceMs: performance.now(), ping: () => void response.write(": keep-alive\n\n") };
  let begun = false;
  let close = (): void => {};
  let drained: (() => void) | undefined;
  let waits = true;
  let lastFrame: Uint8Array | undefined;
  response.on("drain", () => drained?.());
  watch.onGone(() => {
    close();
    drained?.();
  });

  return {
    isGone() {
      return watch.gone;
    },
    hasBegun() {
      return begun;
    },
    onGone: watch.onGone,
    begin(head, headers) {
      begun = true;
      setHead(response, head, headers);
      response.setHeader("content-type", head.contentType || "text/event-stream; charset=utf-8");
      response.setHeader("cache-control", "no-store, no-transform");
      response.setHeader("x-accel-buffering", "no");
      response.writeHead(200);
      close = open.add(stream);
    },
    write(data) {
      stream.quietSinceMs = performance.now();
      lastFrame = data;
      if (response.write(data) || watch.gone || !waits) return undefined;
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
    letGo() {
      waits = false;
      drained?.();
    },
    end() {
      close();
      response.end();
    },
    fail(error) {
      close();
      response.end(inBandError(error, requestId, lastFrame));
    },
  };
}
