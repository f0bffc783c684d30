import { EventStreamCodec } from "@smithy/core/event-streams";
import type { Json } from "../json.ts";

/** Content type of AWS's event streams. */
export const framesType = "application/vnd.amazon.eventstream";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString(),
  (text) => Buffer.from(text),
);

/** Letters that the vendor adds to each event, so that lengths do not tell what was said. */
const padding = "abcdefghijklmnopqrstuvwxyz";

/** The frame of an event. */
export function eventFrame(type: string, said: Json | string): Uint8Array {
  const body =
    typeof said === "string" ? said : JSON.stringify({ ...said, p: padding.slice(0, 3 + (type.length % 20)) });
  return frame({ ":event-type": type, ":content-type": "application/json", ":message-type": "event" }, body);
}

/** The frame of an exception. */
export function exceptionFrame(type: string, message: string): Uint8Array {
  const headers = { ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" };
  return frame(headers, JSON.stringify({ message }));
}

/** A frame whose last byte was changed on the way. */
export function damagedFrame(): Uint8Array {
  const bytes = Uint8Array.from(eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "damaged" } }));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
  return bytes;
}

function frame(headers: Readonly<Record<string, string>>, body: string): Uint8Array {
  return codec.encode({
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { type: "string", value }])),
    body: Buffer.from(body),
  });
}
