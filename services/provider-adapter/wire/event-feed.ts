import { createParser } from "eventsource-parser";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { EventFeed, UpstreamEvent } from "../domain/exchange.ts";

/** Largest event that is gathered, in characters: what is longer is no event of a model. */
const maxEventLength = 64 * 1024 * 1024;

/**
 * Creates the feed of one stream of server-sent events; a last event without its blank line still counts. Cuts inside a UTF-8 character, inside CRLF or inside a line do not show. Data of several
 * lines becomes one line, as which it can be passed on: in a JSON text a line break is white space.
 */
export function createEventFeed(onEvent: (event: UpstreamEvent) => void): EventFeed {
  const decoder = new TextDecoder();
  const parser = createParser({
    onEvent(event) {
      onEvent(event.data.includes("\n") ? { ...event, data: event.data.replaceAll("\n", " ") } : event);
    },
    maxBufferSize: maxEventLength,
    onError(error) {
      if (error.type === "max-buffer-size-exceeded") {
        throw new ThroughlineError("upstream_error", "The upstream's answer is larger than the platform accepts.");
      }
    },
  });
  return {
    feed(chunk) {
      parser.feed(decoder.decode(chunk, { stream: true }));
    },
    end() {
      parser.feed(`${decoder.decode()}\n\n`);
    },
  };
}
