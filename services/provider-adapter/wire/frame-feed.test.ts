import { EventStreamCodec } from "@smithy/core/event-streams";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UpstreamEvent } from "../domain/exchange.ts";
import { awsFraming } from "./frame-feed.ts";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString(),
  (text) => Buffer.from(text),
);

function frame(headers: Readonly<Record<string, string>>, body: string): Buffer {
  const named = Object.entries(headers).map(([name, value]) => [name, { type: "string" as const, value }]);
  return Buffer.from(codec.encode({ headers: Object.fromEntries(named), body: Buffer.from(body) }));
}

const event = (type: string, body: string) => frame({ ":message-type": "event", ":event-type": type }, body);

/** The events of pieces, fed one by one. */
function read(pieces: readonly Uint8Array[]): UpstreamEvent[] {
  const events: UpstreamEvent[] = [];
  const feed = awsFraming.feed((one) => events.push(one));
  for (const piece of pieces) feed.feed(piece);
  feed.end();
  return events;
}

const damage = expect.objectContaining({ code: "upstream_error", message: "The upstream's stream is damaged." });

test("events come as they were sent, however the bytes are cut", () => {
  const text = fc.string({ maxLength: 300, unit: "grapheme" });
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.constantFrom("messageStart", "a", ""), body: text }), { maxLength: 6 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(({ type, body }) => event(type, body)));
        const places = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b);
        const pieces = [0, ...places].map((at, index) => bytes.subarray(at, places[index] ?? bytes.length));
        const expected = sent.map(({ type, body }) => ({ event: type, data: body }));
        expect(read(pieces)).toEqual(expected);
        expect(read([...bytes].map((_, at) => bytes.subarray(at, at + 1)))).toEqual(expected);
      },
    ),
    { numRuns: 200 },
  );
});

test("a frame is known by its beginning, and nothing else is", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), fc.uint8Array({ maxLength: 30 }), (body, other) => {
      expect(awsFraming.begins(event("a", body).subarray(0, 12))).toBe(true);
      expect(awsFraming.begins(other)).toBe(false);
      expect(awsFraming.begins(Buffer.from(body))).toBe(false);
    }),
  );
});

test("an exception and an error tell their type and message", () => {
  const thrown = { ":message-type": "exception", ":exception-type": "throttlingException" };
  const failed = { ":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Sorry" };
  const said = read([frame(thrown, '{"message":"Slow down"}'), frame(failed, ""), frame(thrown, "no JSON")]);
  expect(said.map(({ event: name, data }) => [name, JSON.parse(data)])).toEqual([
    ["exception", { type: "throttlingException", message: "Slow down" }],
    ["exception", { type: "InternalFailure", message: "Sorry" }],
    ["exception", { type: "throttlingException", message: "no JSON" }],
  ]);
});

describe("what is damaged is no event", () => {
  test("any byte that was changed on the way", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const bytes = event("contentBlockDelta", '{"delta":{"text":"Hello"}}');
        const at = Math.min(bytes.length - 1, Math.floor(place * bytes.length));
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(() => read([bytes])).toThrow(damage);
      }),
      { numRuns: 300 },
    );
  });

  test.each([0, 15, 24 * 1024 * 1024 + 1, 0xffff_ffff])("a length of %d, before anything of it is kept", (length) => {
    const head = event("a", "x").subarray(0, 12);
    head.writeUInt32BE(length, 0);
    expect(() => awsFraming.feed(() => undefined).feed(head)).toThrow(damage);
  });

  test("an end inside a frame, or a text in the place of frames", () => {
    expect(() => read([event("a", "x").subarray(0, 20)])).toThrow(damage);
    expect(() => read([Buffer.from('{"message":"no frames here"}')])).toThrow(damage);
  });

  test("a kind of message that nobody knows", () => {
    expect(() => read([frame({ ":message-type": "other" }, "x")])).toThrow(damage);
  });
});

test("a frame in many pieces is copied once", () => {
  const bytes = event("a", "x".repeat(2_000_000));
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.subarray(at * 7, at * 7 + 7));
  expect(read(pieces)).toHaveLength(1);
});
