import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Attributes, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSpanEncoder } from "./span-encoder.ts";

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.string({ minLength: 60, maxLength: 300 }));
const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }), fc.constant(-0.5));
const value = fc.oneof(text, number, fc.boolean(), fc.array(text, { maxLength: 4 }), fc.array(fc.boolean()));
const name = fc.oneof(
  fc.constantFrom("http.route", "gen_ai.request.model"),
  fc.string({ minLength: 1, maxLength: 200 }),
);
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: true });
const time = fc.tuple(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: 0, max: 999_999_999 }));
const context = fc.record({ traceId: hex(32), spanId: hex(16), traceFlags: fc.integer({ min: 0, max: 3 }) });

const resources = [{ a: "b", n: 1 }, { "service.name": "x".repeat(200) }].map((one) => resourceFromAttributes(one));
const scopes = [{ name: "throughline", version: "1.2.3" }, { name: "other" }];
const spans = fc.array(
  fc
    .record({
      context,
      state: fc.constantFrom("", "vendor=a,other=b"),
      parent: fc.option(fc.record({ spanId: hex(16), isRemote: fc.boolean() }), { nil: undefined }),
      ...{ name: text, kind: fc.constantFrom(SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT), attributes },
      ...{ startTime: time, endTime: time, dropped: fc.nat() },
      status: fc.constantFrom(
        { code: SpanStatusCode.UNSET },
        { code: SpanStatusCode.ERROR },
        { code: SpanStatusCode.ERROR, message: "über" },
      ),
      events: fc.array(fc.record({ name: text, time, attributes, droppedAttributesCount: fc.nat() }), { maxLength: 2 }),
      links: fc.array(fc.record({ context, attributes }), { maxLength: 2 }),
      resource: fc.constantFrom(...resources),
      instrumentationScope: fc.constantFrom(...scopes),
    })
    .map(({ context: own, state, parent, dropped, ...span }): ReadableSpan => {
      const traceState = state === "" ? undefined : new TraceState(state);
      return {
        ...span,
        ...{ duration: [0, 0], ended: true, droppedAttributesCount: 0 },
        ...{ droppedEventsCount: dropped, droppedLinksCount: dropped },
        spanContext: () => (traceState === undefined ? own : { ...own, traceState }),
        ...(parent === undefined ? {} : { parentSpanContext: { ...own, ...parent } }),
      };
    }),
  { maxLength: 6 },
);

interface Shape {
  readonly [field: number]: Shape;
}
const anyValue: { 5?: Shape } = {};
anyValue[5] = { 1: anyValue };
const keyValue: Shape = { 2: anyValue };
const span: Shape = { 9: keyValue, 11: { 3: keyValue }, 13: { 4: keyValue }, 15: {} };
const request: Shape = { 1: { 1: { 1: keyValue }, 2: { 1: {}, 2: span } } };

/** Fields in their order, with messages read by their shape. What is 0 or empty is as if it were not there, but for a value. */
function read(bytes: Uint8Array, shape: Shape): unknown[] {
  const reader = new BinaryReader(bytes);
  const fields: unknown[] = [];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const inner = shape[field];
    if (wire === WireType.Varint) {
      const number = reader.uint64().toString();
      if (number !== "0" || shape === anyValue) fields.push([field, number]);
    } else if (wire === WireType.LengthDelimited) {
      const content = reader.bytes();
      const found = inner === undefined ? Buffer.from(content).toString("hex") : read(content, inner);
      if (field !== 15 || found.length > 0) fields.push([field, found]);
    } else fields.push([field, Buffer.from(reader.skip(wire, field)).toString("hex")]);
  }
  return fields;
}

test("whatever spans say, a reader finds in the encoded ones what the SDK's serializer wrote", () => {
  const encode = createSpanEncoder();
  fc.assert(
    fc.property(spans, (all) => {
      const theirs = ProtobufTraceSerializer.serializeRequest(all) ?? new Uint8Array();
      expect(read(encode(all), request)).toEqual(read(theirs, request));
    }),
    { numRuns: Number(process.env.RUNS ?? 100) },
  );
});

test("an export is a copy: the next one does not change it", () => {
  const encode = createSpanEncoder();
  const [one] =
    fc.sample(
      spans.filter((all) => all.length > 0),
      { numRuns: 1, seed: 1 },
    )[0] ?? [];
  if (one === undefined) throw new Error("no span");
  const first = encode([one]);
  const kept = Buffer.from(first);
  encode(Array(2_000).fill(one));
  expect(Buffer.from(first).equals(kept)).toBe(true);
});
