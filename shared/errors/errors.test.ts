import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorSchema } from "../gen/throughline/common/v1/common_pb.ts";
import { catalogue, errorCodes, errorTypes, isErrorCode } from "./catalogue.ts";
import { envelope, errorHeaders, publicError } from "./envelope.ts";
import { isConnectionFault, ThroughlineError } from "./error.ts";
import { fromWireError, toWireError } from "./wire.ts";

const withCode = (code: string, cause?: unknown) => Object.assign(new Error("boom", { cause }), { code });
const overTheWire = (error: ThroughlineError) =>
  fromWireError(fromBinary(ErrorSchema, toBinary(ErrorSchema, create(ErrorSchema, toWireError(error)))));

describe("catalogue", () => {
  test("describes every code and no other, once each", () => {
    expect(Object.keys(catalogue).sort()).toEqual([...errorCodes].sort());
    expect(new Set(errorCodes).size).toBe(errorCodes.length);
  });

  test("gives each status of the seeds its type", () => {
    const typeOf = new Map([
      [400, "invalid_request_error"],
      [401, "authentication_error"],
      [402, "insufficient_quota"],
      [403, "permission_error"],
      [404, "not_found_error"],
      [409, "invalid_request_error"],
      [413, "request_too_large"],
      [422, "invalid_request_error"],
      [429, "rate_limit_error"],
      [499, "api_error"],
      [500, "api_error"],
      [501, "api_error"],
      [502, "api_error"],
      [503, "api_error"],
      [504, "api_error"],
      [529, "overloaded_error"],
    ]);
    for (const code of errorCodes)
      expect([code, catalogue[code].type]).toEqual([code, typeOf.get(catalogue[code].httpStatus)]);
    for (const type of errorTypes) expect(Object.values(catalogue).some((entry) => entry.type === type)).toBe(true);
  });

  test("has retry-after exactly where the status calls for it", () => {
    for (const code of errorCodes) {
      const { httpStatus, retryAfterMs } = catalogue[code];
      expect([code, retryAfterMs !== undefined]).toEqual([code, [409, 429, 503, 529].includes(httpStatus)]);
    }
  });

  test("tells a code from a name that every object has", () => {
    expect(isErrorCode("not_found")).toBe(true);
    expect(isErrorCode("toString")).toBe(false);
  });
});

describe("ThroughlineError.from", () => {
  test("returns one of ours as it is", () => {
    const error = new ThroughlineError("not_found", "No such model.");
    expect(ThroughlineError.from(error)).toBe(error);
  });

  test("makes service_unavailable of a socket's error, however deep", () => {
    const nested = new TypeError("fetch failed", {
      cause: new AggregateError([withCode("ETIMEDOUT"), withCode("ECONNREFUSED")], "both addresses failed"),
    });
    for (const fault of [withCode("ECONNREFUSED"), withCode("UND_ERR_SOCKET"), nested]) {
      const error = ThroughlineError.from(fault);
      expect(error.code).toBe("service_unavailable");
      expect(error.cause).toBe(fault);
      expect(error.message).not.toContain("boom");
    }
  });

  test("ends on a cause that is its own", () => {
    const error = new Error("circle");
    error.cause = error;
    expect(isConnectionFault(error)).toBe(false);
  });

  test("makes internal_error of anything else and never says what it was", () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const error = ThroughlineError.from(thrown);
        expect(error.code).toBe("internal_error");
        expect(error.message).toBe("An internal error occurred.");
        if (thrown !== undefined) expect(error.cause).toBe(thrown);
      }),
    );
  });
});

describe("wire", () => {
  test("carries everything but the cause", () => {
    const header = fc
      .string({ minLength: 1, unit: fc.constantFrom(..."abcdefghij-") })
      .filter((name) => name !== "__proto__");
    fc.assert(
      fc.property(
        fc.constantFrom(...errorCodes),
        fc.string({ unit: "grapheme" }),
        fc.record(
          {
            param: fc.string({ minLength: 1 }),
            retryAfterMs: fc.integer({ min: 1, max: 2 ** 40 }),
            upstreamRequestId: fc.string({ minLength: 1 }),
            headers: fc.dictionary(header, fc.string(), { minKeys: 1, noNullPrototype: true }),
            httpStatus: fc.constant(429),
          },
          { requiredKeys: [] },
        ),
        (code, message, options) => {
          const sent = new ThroughlineError(code, message, { ...options, cause: "secret" });
          const got = overTheWire(sent);
          for (const key of [
            "code",
            "message",
            "param",
            "retryAfterMs",
            "upstreamRequestId",
            "headers",
            "httpStatus",
          ] as const) {
            expect(got[key]).toEqual(sent[key]);
          }
          expect(got.cause).toBeUndefined();
        },
      ),
    );
  });

  test("rounds a fraction of a millisecond up", () => {
    expect(overTheWire(new ThroughlineError("rate_limit_exceeded", "m", { retryAfterMs: 0.2 })).retryAfterMs).toBe(1);
  });

  test("makes internal_error of a code it does not know", () => {
    const error = fromWireError(create(ErrorSchema, { code: "from_the_future", message: "host 10.0.0.7 said no" }));
    expect(error.code).toBe("internal_error");
    expect(error.message).toBe("An internal error occurred.");
  });
});

describe("envelope", () => {
  test("is a superset of the seeds' three", () => {
    const error = new ThroughlineError("invalid_value", "Must be at most 2.", {
      param: "temperature",
      upstreamRequestId: "req_1",
    });
    expect(envelope(error, "767212140985061376")).toEqual({
      type: "error",
      error: {
        type: "invalid_request_error",
        code: "invalid_value",
        message: "Must be at most 2.",
        param: "temperature",
        request_id: "767212140985061376",
        upstream_request_id: "req_1",
      },
      request_id: "767212140985061376",
    });
    expect(errorHeaders(error)).toEqual({ "x-should-retry": "false" });
  });

  test("never shows a code that is for records only", () => {
    for (const code of errorCodes.filter((code) => !catalogue[code].public)) {
      const error = new ThroughlineError(code, "words for the record");
      expect(publicError(error).httpStatus).toBe(500);
      expect(JSON.stringify(envelope(error, "1"))).not.toContain("record");
      expect(envelope(error, "1").error.code).toBe("internal_error");
    }
  });

  test.each([
    ["rate_limit_exceeded", { retryAfterMs: 1 }, { "retry-after": "1" }],
    ["rate_limit_exceeded", { retryAfterMs: 2_001 }, { "retry-after": "3" }],
    ["service_unavailable", {}, { "retry-after": "1" }],
    ["upstream_overloaded", {}, { "retry-after": "5" }],
    ["upstream_timeout", {}, {}],
    ["insufficient_quota", {}, { "x-should-retry": "false" }],
    ["insufficient_quota", { httpStatus: 429 }, { "retry-after": "60" }],
    [
      "insufficient_quota",
      { httpStatus: 429, retryAfterMs: 3_600_000 },
      { "retry-after": "3600", "x-should-retry": "false" },
    ],
    [
      "concurrent_limit_exceeded",
      { headers: { "x-ratelimit-limit-requests": "5" } },
      { "retry-after": "1", "x-ratelimit-limit-requests": "5" },
    ],
  ] as const)("%s %j has the headers %j", (code, options, headers) => {
    expect(errorHeaders(new ThroughlineError(code, "m", options))).toEqual(headers);
  });
});
