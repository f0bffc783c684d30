import fc from "fast-check";
import { expect, test } from "vitest";
import { errorCodes } from "../../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { anthropicLine, openaiLine } from "./batch-output.ts";

const result = fc.record({
  requestId: fc.bigInt({ min: 1n, max: 2n ** 62n }),
  customId: fc.string({ minLength: 1 }),
  outcome: fc.oneof(
    fc.tuple(fc.jsonValue(), fc.constantFrom(undefined, 2, "\t", "\r\n")).map(([value, space]) => ({
      answer: Buffer.from(JSON.stringify(value, undefined, space)),
    })),
    fc.tuple(fc.constantFrom(...errorCodes), fc.string()).map(([code, message]) => ({
      error: new ThroughlineError(code, message),
    })),
  ),
});

test.each([openaiLine, anthropicLine])("each result is one line of JSON that says whose it is (%o)", (write) => {
  fc.assert(
    fc.property(result, ({ requestId, customId, outcome }) => {
      const text = Buffer.from(write({ requestId, customId, ...outcome })).toString();
      expect(text.indexOf("\n")).toBe(text.length - 1);
      expect((JSON.parse(text) as { custom_id: string }).custom_id).toBe(customId);
    }),
  );
});

const told = { requestId: 7n, customId: "a" };

test("an answer stands in its line as it came", () => {
  const answer = Buffer.from('{"n":\n 1.0}');
  expect(Buffer.from(openaiLine({ ...told, answer })).toString()).toBe(
    '{"id":"batch_req_7","custom_id":"a","response":{"status_code":200,"request_id":"7","body":{"n":  1.0}},"error":null}\n',
  );
  expect(Buffer.from(anthropicLine({ ...told, answer })).toString()).toBe(
    '{"custom_id":"a","result":{"type":"succeeded","message":{"n":  1.0}}}\n',
  );
});

test("a line that was not run says so in each API's words", () => {
  const read = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
  const late = { ...told, error: new ThroughlineError("expired", "Too late.") };
  expect(read(openaiLine(late))).toMatchObject({
    response: null,
    error: { code: "batch_expired", message: "Too late." },
  });
  expect(read(anthropicLine(late))).toEqual({ custom_id: "a", result: { type: "expired" } });
  const given = { ...told, error: new ThroughlineError("cancelled", "Given up.") };
  expect(read(anthropicLine(given))).toEqual({ custom_id: "a", result: { type: "canceled" } });
  const hidden = { ...told, error: new ThroughlineError("interrupted", "a secret") };
  expect(Buffer.from(openaiLine(hidden)).toString()).not.toContain("a secret");
});
