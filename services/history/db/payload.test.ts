import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PayloadSchema } from "../../../shared/gen/throughline/history/v1/payload_pb.ts";
import { packPayload, serialize, unpackPayload } from "./payload.ts";

const payload = fc.record({
  detail: fc.uint8Array({ maxLength: 300 }),
  response: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(100_000).map((n) => new Uint8Array(n).fill(97)),
  ),
  customResponseJson: fc.string({ unit: "grapheme" }),
  messageId: fc.string({ unit: "grapheme" }),
  upstreamRequestId: fc.string(),
});

test("our own serializing is protobuf's", () => {
  fc.assert(
    fc.property(payload, (fields) => {
      const expected = toBinary(PayloadSchema, create(PayloadSchema, fields));
      expect(serialize(fields).equals(expected)).toBe(true);
    }),
  );
});

test("what is packed is unpacked, small and large", async () => {
  await fc.assert(
    fc.asyncProperty(payload, async (fields) => {
      const { body, bytes } = await packPayload(fields);
      const unpacked = await unpackPayload(body, bytes);
      expect({
        ...unpacked,
        response: Buffer.from(unpacked.response),
        detail: Buffer.from(unpacked.detail),
      }).toMatchObject({
        ...fields,
        response: Buffer.from(fields.response),
        detail: Buffer.from(fields.detail),
      });
    }),
    { numRuns: 60 },
  );
});

test("an unknown compression is refused", async () => {
  await expect(unpackPayload(Buffer.from([9, 1]), 1)).rejects.toThrow(/codec 9/);
});
