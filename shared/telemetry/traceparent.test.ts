import fc from "fast-check";
import { expect, test } from "vitest";
import { newSpanId, newTraceId } from "./ids.ts";
import {
  contextHeaders,
  contextOf,
  formatContext,
  parseContext,
  parseTraceparent,
  unsampledFlags,
} from "./traceparent.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";
const good = `00-${trace}-${parent}-01`;

test("the example of the specification", () => {
  expect(parseTraceparent(good)).toEqual({ traceId: trace, spanId: parent, flags: 1 });
});

test.each([
  ["a higher version, by its first four fields", `cc-${trace}-${parent}-01`],
  ["a higher version with more after a dash", `cc-${trace}-${parent}-01-what-the-future-will-be-like`],
  ["flags this version does not know", `00-${trace}-${parent}-ff`],
])("accepted: %s", (_, header) => {
  expect(parseTraceparent(header)).toMatchObject({ traceId: trace, spanId: parent });
});

test.each([
  ["nothing", undefined],
  ["an empty header", ""],
  ["version ff", `ff-${trace}-${parent}-01`],
  ["version 00 with more after it", `${good}-extra`],
  ["version 00 with one character more", `${good}0`],
  ["a higher version with more and no dash", `cc-${trace}-${parent}-01.extra`],
  ["upper case", good.toUpperCase()],
  ["an upper-case trace ID", `00-${trace.toUpperCase()}-${parent}-01`],
  ["no trace ID", `00-${"0".repeat(32)}-${parent}-01`],
  ["no span ID", `00-${trace}-${"0".repeat(16)}-01`],
  ["a short trace ID", `00-${trace.slice(1)}-${parent}-01`],
  ["letters beyond f", `00-${trace.replace("a", "g")}-${parent}-01`],
  ["an odd version", `0x-${trace}-${parent}-01`],
  ["odd flags", `00-${trace}-${parent}-0x`],
  ["other separators", good.replaceAll("-", "_")],
  ["surrounding space", ` ${good}`],
  ["two headers joined by Node", `${good}, ${good}`],
])("refused: %s", (_, header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length })
    .filter((id) => /[^0]/.test(id));

test("what is written reads back the same, but for flags this version does not know", () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 255 }), (traceId, spanId, flags) => {
      const header = formatContext({ traceId, spanId, flags });
      expect(header).toHaveLength(55);
      expect(parseTraceparent(header)).toEqual({ traceId, spanId, flags: flags & 3 });
    }),
  );
});

test("never throws, and agrees with the grammar on any input", () => {
  const grammar = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;
  const near = fc
    .tuple(
      fc.nat(60),
      fc.string({ unit: fc.constantFrom(..."0fgF-. é"), maxLength: 2 }),
      fc.constantFrom("00", "01", "fe", "ff"),
    )
    .map(([at, piece, version]) => {
      const header = `${version}${good.slice(2)}`;
      return header.slice(0, at) + piece + header.slice(at + piece.length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), near), (header) => {
      const match = grammar.exec(header);
      const valid = match !== null && (match[1] !== "00" || match[5] === undefined);
      expect(parseTraceparent(header)).toEqual(
        valid ? { traceId: match[2], spanId: match[3], flags: Number.parseInt(match[4] ?? "", 16) } : undefined,
      );
    }),
    { numRuns: 3000 },
  );
});

test("new IDs are well-formed and do not repeat", () => {
  const ids = new Set(Array.from({ length: 20_000 }, newSpanId));
  expect(ids.size).toBe(20_000);
  for (const id of ids) expect(parseTraceparent(`00-${newTraceId()}-${id}-00`)?.spanId).toBe(id);
});

test.each([
  ["a list of members", "vendor=a,other@sys=b", "vendor=a,other@sys=b"],
  ["white space between members", "vendor=a , other=b", "vendor=a,other=b"],
  ["no member", "a list of nothing", ""],
  ["an empty header", "", ""],
  ["more than 512 characters", `vendor=${"x".repeat(600)}`, ""],
  ["what would begin a header of its own", "vendor=a\r\nx-evil: 1", ""],
])("tracestate: %s", (_, tracestate, kept) => {
  const text = contextOf(good, tracestate) ?? "";
  expect(parseContext(text)).toEqual({ traceId: trace, spanId: parent, flags: 1, ...(kept ? { state: kept } : {}) });
  expect(contextHeaders(text)).toEqual({ traceparent: good, ...(kept ? { tracestate: kept } : {}) });
});

test("a malformed traceparent takes its tracestate along, and a text that is none has no headers", () => {
  expect(contextOf(`${good} vendor=a`, undefined)).toBeUndefined();
  expect(contextOf("nonsense", "vendor=a")).toBeUndefined();
  expect(contextOf(undefined, "vendor=a")).toBeUndefined();
  expect(contextHeaders("")).toEqual({});
});

test("one look tells of any text whether reading and writing it would give the same unsampled context", () => {
  const header = fc
    .tuple(fc.constantFrom("00", "01", "ff"), hex(32), hex(16), fc.constantFrom("00", "01", "02", "03", "0a", "10"))
    .map((parts) => parts.join("-"));
  const broken = fc
    .tuple(header, fc.nat(54), fc.constantFrom("0", "g", "-", "A", ""))
    .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at + 1));
  const noId = fc.constantFrom(`00-${"0".repeat(32)}-${parent}-00`, `00-${trace}-${"0".repeat(16)}-00`);
  const withState = header.map((text) => `${text} a=b`);
  fc.assert(
    fc.property(fc.oneof(header, broken, noId, withState, fc.string()), (text) => {
      const context = parseContext(text);
      const same = context !== undefined && context.state === undefined && formatContext(context) === text;
      expect(unsampledFlags(text)).toBe(same && (context.flags & 1) === 0 ? context.flags : undefined);
    }),
    { numRuns: 1_000 },
  );
});
