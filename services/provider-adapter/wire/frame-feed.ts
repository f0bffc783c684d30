import { crc32 } from "node:zlib";
import { EventStreamCodec } from "@smithy/core/event-streams";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { EventFeed, Framing, UpstreamEvent } from "../domain/exchange.ts";

/** Lengths of a frame's head, and of the whole of a frame without headers and body. */
const headBytes = 12;
const minFrameBytes = 16;
/** Largest frame: AWS bounds its own at 24 MiB (Amazon Transcribe, "Event stream encoding"; an image in an answer has less). */
const maxFrameBytes = 24 * 1024 * 1024;

/** Name of the event that an exception becomes. */
export const exceptionEvent = "exception";

/**
 * AWS's event stream: frames of a length, headers and a body, with two checksums. The event's name is that of the frame's
 * header. An exception becomes an event by that name, with `{type, message}` as its data.
 */
export const awsFraming: Framing = {
  contentType: "application/vnd.amazon.eventstream",
  begins: isFrame,
  feed: createFrameFeed,
};

/** A head whose own checksum is right: no text has one but for a chance of one in four billion. */
function isFrame(start: Uint8Array): boolean {
  if (start.length < headBytes) return false;
  const head = Buffer.from(start.buffer, start.byteOffset, headBytes);
  const length = head.readUInt32BE(0);
  return length >= minFrameBytes && length <= maxFrameBytes && crc32(head.subarray(0, 8)) === head.readUInt32BE(8);
}

/** Creates the feed of one stream: it keeps no more than one frame, and copies each byte at most once. */
function createFrameFeed(onEvent: (event: UpstreamEvent) => void): EventFeed {
  const codec = new EventStreamCodec(
    (bytes) => Buffer.from(bytes as Uint8Array).toString(),
    (text) => Buffer.from(text),
  );
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  /** Bytes of the frame that is held; 0: its head is not there yet. */
  let wantedBytes = 0;

  function take(frame: Buffer): void {
    onEvent(eventOf(decode(codec, frame)));
  }

  return {
    feed(chunk) {
      let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      while (rest.length > 0) {
        if (wantedBytes === 0) {
          const head = heldBytes === 0 ? rest : Buffer.concat([...held, rest.subarray(0, headBytes)]);
          if (head.length < headBytes) {
            held.push(rest);
            heldBytes += rest.length;
            return;
          }
          wantedBytes = frameBytes(head);
        }
        const lacking = wantedBytes - heldBytes;
        held.push(rest.subarray(0, lacking));
        heldBytes += Math.min(lacking, rest.length);
        if (heldBytes < wantedBytes) return;
        const frame = held.length === 1 ? rest.subarray(0, lacking) : Buffer.concat(held);
        rest = rest.subarray(lacking);
        held = [];
        heldBytes = wantedBytes = 0;
        take(frame);
      }
    },
    end() {
      if (heldBytes > 0) throw damaged();
    },
  };
}

/** The length that a head says. It is checked against its checksum with the whole frame, so an absurd one is refused here. */
function frameBytes(head: Buffer): number {
  const length = head.readUInt32BE(0);
  if (length < minFrameBytes || length > maxFrameBytes) throw damaged();
  return length;
}

type Message = ReturnType<EventStreamCodec["decode"]>;

function decode(codec: EventStreamCodec, frame: Buffer): Message {
  try {
    return codec.decode(frame);
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): ThroughlineError {
  return new ThroughlineError("upstream_error", "The upstream's stream is damaged.", { cause });
}

function eventOf({ headers, body }: Message): UpstreamEvent {
  const said = (name: string) => {
    const value = headers[name]?.value;
    return typeof value === "string" ? value : "";
  };
  const data = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  switch (said(":message-type")) {
    case "event":
      return { event: said(":event-type"), data };
    case "exception":
      return { event: exceptionEvent, data: exceptionOf(said(":exception-type"), messageIn(data)) };
    case "error":
      return { event: exceptionEvent, data: exceptionOf(said(":error-code"), said(":error-message")) };
    default:
      throw damaged();
  }
}

function exceptionOf(type: string, message: string): string {
  return JSON.stringify({ type, message });
}

function messageIn(data: string): string {
  try {
    const { message, Message: capital } = JSON.parse(data) as { message?: unknown; Message?: unknown };
    return String(message ?? capital ?? "");
  } catch {
    return data;
  }
}
