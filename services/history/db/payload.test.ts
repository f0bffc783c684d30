import { brotliCompressSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PayloadSchema } from "../../../shared/gen/throughline/history/v1/payload_pb.ts";
import { packPayload, unpackPayload } from "./payload.ts";

const payload = fc.record({
  detail: fc.uint8Array({ maxLength: 300 }),
  response: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(100_000).map((n) => new Uint8Array(n).fill(97)),
  ),
  customResponseJson: fc.string({ unit: "grapheme" }),
  messageId: fc.string({ unit: "grapheme" }),
  upstreamRequestId: fc.string(),
  input: fc.uint8Array({ maxLength: 300 }),
});

const empty = {
  detail: new Uint8Array(),
  response: new Uint8Array(),
  customResponseJson: "",
  messageId: "",
  upstreamRequestId: "",
  input: new Uint8Array(),
};

test("what is packed is unpacked, small and large", async () => {
  await fc.assert(
    fc.asyncProperty(payload, async (fields) => {
      const { body, bytes } = await packPayload(fields);
      const unpacked = await unpackPayload(body, bytes);
      expect({
        ...unpacked,
        response: Buffer.from(unpacked.response),
        detail: Buffer.from(unpacked.detail),
        input: Buffer.from(unpacked.input),
      }).toMatchObject({
        ...fields,
        response: Buffer.from(fields.response),
        detail: Buffer.from(fields.detail),
        input: Buffer.from(fields.input),
      });
    }),
    { numRuns: 60 },
  );
});

test("a small payload of version 0.1, as brotli, is read", async () => {
  const plain = toBinary(PayloadSchema, create(PayloadSchema, { messageId: "chatcmpl-1" }));
  const body = Buffer.concat([Buffer.from([1]), brotliCompressSync(plain)]);
  expect((await unpackPayload(body, plain.length)).messageId).toBe("chatcmpl-1");
});

test("a damaged payload is an error, not a crash", async () => {
  const { body, bytes } = await packPayload({ ...empty, response: Buffer.alloc(2_000, "word ") });
  await fc.assert(
    fc.asyncProperty(fc.nat(body.length - 2), fc.nat(255), async (at, byte) => {
      const damaged = Buffer.from(body);
      damaged[1 + at] = byte;
      await unpackPayload(damaged, bytes).catch((error: unknown) => expect(error).toBeInstanceOf(Error));
      await expect(unpackPayload(body.subarray(0, 1 + at), bytes)).rejects.toThrow();
    }),
  );
});

test("an unknown compression is refused", async () => {
  await expect(unpackPayload(Buffer.from([9, 1]), 1)).rejects.toThrow(/codec 9/);
});
