import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createRequestIdSource,
  firstIdAt,
  formatRequestId,
  fromParts,
  maxNode,
  maxRequestIdMs,
  maxSequence,
  parseRequestId,
  requestIdEpochMs,
  toParts,
  traceIdOf,
} from "./request-id.ts";

const vector = 767212140985061376n;
const start = Date.parse("2026-03-20T15:30:45.123Z");
const anyParts = fc.record({
  unixMs: fc.integer({ min: requestIdEpochMs, max: maxRequestIdMs }),
  node: fc.integer({ min: 0, max: maxNode }),
  sequence: fc.integer({ min: 0, max: maxSequence }),
});
const anyId = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const lease = (node: number, fromMs = 0, untilMs = maxRequestIdMs) => ({
  node,
  validFromMs: fromMs,
  validUntilMs: untilMs,
});

describe("parts", () => {
  test("agree with the history API's own example", () => {
    const parts = { unixMs: Date.parse("2025-04-28T02:27:08.523Z"), node: 129, sequence: 0 };
    expect(toParts(vector)).toEqual(parts);
    expect(fromParts(parts)).toBe(vector);
  });

  test("round-trip, and order IDs by time first", () => {
    fc.assert(
      fc.property(anyParts, anyParts, (a, b) => {
        expect(toParts(fromParts(a))).toEqual(a);
        if (a.unixMs < b.unixMs) expect(fromParts(a)).toBeLessThan(fromParts(b));
      }),
    );
    fc.assert(fc.property(anyId, (id) => fromParts(toParts(id)) === id));
  });

  test.each([
    { unixMs: requestIdEpochMs - 1, node: 0, sequence: 0 },
    { unixMs: maxRequestIdMs + 1, node: 0, sequence: 0 },
    { unixMs: start, node: maxNode + 1, sequence: 0 },
    { unixMs: start, node: 0, sequence: maxSequence + 1 },
    { unixMs: start + 0.5, node: 0, sequence: 0 },
  ])("refuse %j", (parts) => {
    expect(() => fromParts(parts)).toThrow(RangeError);
  });
});

describe("spellings", () => {
  test("of the example", () => {
    expect(formatRequestId(vector, "decimal")).toBe("767212140985061376");
    expect(formatRequestId(vector, "stamped")).toBe("20250428022708ahcrlvcq");
  });

  test("of the support page's example", () => {
    const id = parseRequestId("20260320153045abcdefgh");
    expect(id).toBe(885547786901803303n);
    expect(new Date(toParts(id ?? 0n).unixMs).toISOString()).toBe("2026-03-20T15:30:45.079Z");
  });

  test("round-trip", () => {
    fc.assert(
      fc.property(anyId, fc.constantFrom("decimal", "stamped"), (id, style) => {
        const text = formatRequestId(id, style);
        expect(parseRequestId(text)).toBe(id);
        if (style === "stamped") expect(text).toMatch(/^\d{14}[a-z]{8}$/);
      }),
    );
  });

  test("stamped ones sort as their numbers do", () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(formatRequestId(a, "stamped") < formatRequestId(b, "stamped")).toBe(a < b);
      }),
    );
  });

  test("are the only texts that parse", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^\d{0,20}$/), fc.stringMatching(/^\d{14}[a-z]{8}$/)),
        (text) => {
          const id = parseRequestId(text);
          if (id !== undefined)
            expect([formatRequestId(id, "decimal"), formatRequestId(id, "stamped")]).toContain(text);
        },
      ),
    );
  });

  test.each([
    "",
    " 1",
    "1 ",
    "+1",
    "-1",
    "01",
    "1e3",
    "0x10",
    "1\n",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999",
    "20250428022708AHCRLVCQ",
    "20250428022708ahcrlvcq ",
    "20250428022708ahcrlvc",
    "20250431022708ahcrlvcq",
    "20250428022760ahcrlvcq",
    "20250428242708ahcrlvcq",
    "20190711235959aaaaaaaa",
    "20250428022708zzzzzzzz",
    "00250428022708aaaaaaaa",
    "٧٦٧",
  ])("%j is not one", (text) => {
    expect(parseRequestId(text)).toBeUndefined();
  });
});

test("firstIdAt is the lowest ID of its millisecond, and clamps", () => {
  fc.assert(
    fc.property(anyParts, (parts) => {
      const first = firstIdAt(parts.unixMs);
      const id = fromParts(parts);
      expect(first <= id && (id - first) >> 22n === 0n).toBe(true);
    }),
  );
  expect(firstIdAt(0)).toBe(0n);
  expect(firstIdAt(Number.MAX_VALUE)).toBe(firstIdAt(maxRequestIdMs));
  expect(firstIdAt(start + 0.5)).toBe(firstIdAt(start + 1));
});

describe("traceIdOf", () => {
  test("opens with the ID in hex and closes with splitmix64 of it", () => {
    expect(traceIdOf(vector).slice(0, 16)).toBe("0aa5af609ac81000");
    // splitmix64 seeded with 0: the first output of the reference implementation.
    expect(traceIdOf(0n)).toBe("0000000000000000e220a8397b1dcdaf");
    expect(traceIdOf(1n).slice(16)).toBe("910a2dec89025cc1");
  });

  test("is a valid W3C trace ID", () => {
    fc.assert(
      fc.property(anyId, (id) => {
        expect(traceIdOf(id)).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
        expect(BigInt(`0x${traceIdOf(id).slice(0, 16)}`)).toBe(id);
      }),
    );
  });
});

describe("source", () => {
  test("is unique and increasing over nodes and clocks that stand still, jump and step back", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -5_000, max: 5_000 }), fc.integer({ min: 1, max: 9_000 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: maxNode }), { minLength: 1, maxLength: 3 }),
        steps,
        (nodes, walk) => {
          const seen = new Set<bigint>();
          let issued = 0;
          for (const node of nodes) {
            let now = start;
            const source = createRequestIdSource({ nowMs: () => now });
            source.setLease(lease(node));
            let last = -1n;
            for (const [step, count] of walk) {
              now += step;
              for (let i = 0; i < count; i++) {
                const id = source.next();
                if (id <= last) throw new Error(`${id} after ${last}`);
                last = id;
                seen.add(id);
                issued++;
              }
            }
            expect(toParts(last).node).toBe(node);
          }
          expect(seen.size).toBe(issued);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("bears the clock's time", () => {
    const source = createRequestIdSource({ nowMs: () => start + 0.9 });
    source.setLease(lease(7));
    expect(toParts(source.next())).toEqual({ unixMs: start, node: 7, sequence: 0 });
    expect(toParts(source.next())).toEqual({ unixMs: start, node: 7, sequence: 1 });
  });

  test("runs ahead into the next millisecond when the sequence is spent, but never beyond the lease", () => {
    const source = createRequestIdSource({ nowMs: () => start });
    source.setLease(lease(1, start, start + 2));
    for (let i = 0; i < 4_096; i++) source.next();
    expect(toParts(source.next())).toEqual({ unixMs: start + 1, node: 1, sequence: 0 });
    for (let i = 1; i < 4_096; i++) source.next();
    expect(source.leaseValid()).toBe(false);
    expect(() => source.next()).toThrow(expect.objectContaining({ code: "service_unavailable" }));
    source.setLease(lease(1, start, start + 3));
    expect(toParts(source.next())).toEqual({ unixMs: start + 2, node: 1, sequence: 0 });
  });

  test("needs a lease, waits out a clock behind it, and ends with it", () => {
    let now = start;
    const source = createRequestIdSource({ nowMs: () => now });
    expect(source.leaseValid()).toBe(false);
    expect(() => source.next()).toThrow(expect.objectContaining({ code: "service_unavailable", retryAfterMs: 1_000 }));
    source.setLease(lease(1, start + 100, start + 200));
    expect(toParts(source.next()).unixMs).toBe(start + 100);
    now = start + 199;
    expect(source.leaseValid()).toBe(true);
    now = start + 200;
    expect(source.leaseValid()).toBe(false);
    expect(() => source.next()).toThrow(expect.objectContaining({ code: "service_unavailable" }));
  });

  test("still increases when a lower node takes over within a millisecond", () => {
    const source = createRequestIdSource({ nowMs: () => start });
    source.setLease(lease(9));
    const before = source.next();
    source.setLease(lease(3));
    const after = source.next();
    expect(after).toBeGreaterThan(before);
    expect(toParts(after)).toEqual({ unixMs: start + 1, node: 3, sequence: 0 });
  });

  test("a renewal of the same node does not repeat an ID", () => {
    const source = createRequestIdSource({ nowMs: () => start });
    source.setLease(lease(9));
    const before = source.next();
    source.setLease(lease(9));
    expect(source.next()).toBe(before + 1n);
  });

  test("refuses a node out of range", () => {
    expect(() => createRequestIdSource().setLease(lease(1_024))).toThrow(RangeError);
  });
});
