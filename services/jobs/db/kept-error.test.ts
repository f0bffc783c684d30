import fc from "fast-check";
import { expect, test } from "vitest";
import { errorCodes } from "../../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { toWireError } from "../../../shared/errors/wire.ts";
import { type ErrorColumns, keptError, readKeptError } from "./kept-error.ts";

/** As a row gives it back. */
function columnsOf(error: ThroughlineError): ErrorColumns {
  const { code, message, whole } = keptError(error);
  return { error_code: code, error_message: message, error: whole === undefined ? null : Buffer.from(whole) };
}

test("an error comes out of a row with all that went in", () => {
  const said = fc.record(
    {
      param: fc.string({ minLength: 1 }),
      httpStatus: fc.integer({ min: 400, max: 599 }),
      retryAfterMs: fc.integer({ min: 1, max: 1e9 }),
      upstreamRequestId: fc.string({ minLength: 1 }),
      headers: fc.dictionary(fc.constantFrom("retry-after", "x-ratelimit-reset"), fc.string(), { minKeys: 1 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.constantFrom(...errorCodes), fc.string(), said, (code, message, options) => {
      const error = new ThroughlineError(code, message, options);
      const read = readKeptError(columnsOf(error));
      expect(read && toWireError(read)).toEqual(toWireError(error));
    }),
  );
});

test.each<[string, ErrorColumns, object | undefined]>([
  ["no error", { error_code: null, error_message: null, error: null }, undefined],
  [
    "one of an older program",
    { error_code: "expired", error_message: "Late.", error: null },
    { code: "expired", message: "Late." },
  ],
  [
    "a code that the catalogue has no more",
    { error_code: "gone_out_of_use", error_message: "It was so.", error: null },
    { code: "upstream_error", message: "It was so." },
  ],
])("%s", (_what, columns, expected) => {
  const read = readKeptError(columns);
  expect(read && { code: read.code, message: read.message }).toEqual(expected);
});
