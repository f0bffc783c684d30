import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ThroughlineError } from "../errors/error.ts";
import { CallOp } from "../gen/throughline/common/v1/common_pb.ts";
import { ProviderService } from "../gen/throughline/provider/v1/provider_pb.ts";
import {
  CountItemSchema,
  CountRequestSchema,
  CountResponseSchema,
  EchoService,
} from "../gen/throughline/testing/v1/echo_pb.ts";
import { decodeItems, decodeResults } from "./decode.ts";
import { createItemEncoder, createResultEncoder } from "./encode.ts";
import { callOp, type OutgoingItem, type OutgoingResult } from "./link.ts";
import { laneShape } from "./shape.ts";
import { WireError } from "./wire-reader.ts";

const shape = laneShape(EchoService.method.count);

const call = fc.record({
  callId: fc.integer({ min: 1, max: 0xffffffff }),
  op: fc.constantFrom(...Object.values(callOp)),
  requestId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  traceparent: fc.string({ unit: "grapheme", maxLength: 80 }),
  timeoutMs: fc.integer({ min: 0, max: 0xffffffff }),
});

test("the numbers of the operations are those of the contract", () => {
  expect(callOp).toEqual({
    open: CallOp.UNSPECIFIED,
    cancel: CallOp.CANCEL,
    pause: CallOp.PAUSE,
    resume: CallOp.RESUME,
    acknowledge: CallOp.ACKNOWLEDGE,
    data: CallOp.DATA,
  });
});

test("items: what is encoded is read back, by us and by any protobuf", () => {
  const encode = createItemEncoder(shape);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(call, fc.string(), fc.integer({ min: 0, max: 0xffffffff })), { minLength: 1 }),
      (entries) => {
        const items = entries.map(([envelope, text, frames]) => ({
          ...envelope,
          message: create(CountItemSchema, { text, frames }) as OutgoingItem["message"],
        }));
        const messages: Buffer[] = [];
        encode(
          items,
          1e6,
          (message) => messages.push(message),
          () => expect.unreachable(),
        );
        const read: unknown[] = [];
        for (const message of messages) {
          decodeItems(shape, message, (callId, op, requestId, traceparent, timeoutMs, payload) => {
            const { text, frames, call: rest } = fromBinary(CountItemSchema, payload);
            expect(rest).toBeUndefined();
            read.push([{ callId, op, requestId, traceparent, timeoutMs }, text, frames]);
          });
        }
        expect(read).toEqual(entries);
        const theirs = messages.flatMap((message) => fromBinary(CountRequestSchema, message).items);
        expect(theirs.map(({ call: envelope }) => envelope)).toMatchObject(entries.map(([envelope]) => envelope));
      },
    ),
  );
});

test("results: what is encoded is read back by any protobuf, and theirs by us", () => {
  const encode = createResultEncoder(shape);
  const results: OutgoingResult[] = [
    {
      callId: 1,
      kind: "frame",
      value: { $typeName: "throughline.testing.v1.CountFrame", index: 3, data: new Uint8Array(2) },
      bytes: 2,
    },
    {
      callId: 300,
      kind: "ok",
      value: {
        $typeName: "throughline.testing.v1.Counted",
        frames: 0,
        cancelled: false,
        pauses: 0,
        bodySha256: new Uint8Array(),
      },
      bytes: 0,
    },
    { callId: 0xffffffff, kind: "error", value: new ThroughlineError("not_found", "gone"), bytes: 0 },
  ];
  const messages: Buffer[] = [];
  encode(
    results,
    1e6,
    (message) => messages.push(message),
    () => expect.unreachable(),
  );
  expect(messages.length).toBe(1);
  const theirs = fromBinary(CountResponseSchema, messages[0] ?? Buffer.alloc(0));
  expect(theirs.results).toMatchObject([
    { callId: 1, outcome: { case: "frame", value: { index: 3 } } },
    { callId: 300, outcome: { case: "ok" } },
    { callId: 0xffffffff, outcome: { case: "error", value: { code: "not_found", message: "gone" } } },
  ]);
  const read: unknown[] = [];
  decodeResults(shape, Buffer.from(toBinary(CountResponseSchema, theirs)), (callId, kind) => read.push([callId, kind]));
  expect(read).toEqual([
    [1, "frame"],
    [300, "ok"],
    [0xffffffff, "error"],
  ]);
});

test("a result that cannot be sent becomes an error, the last of its call; its neighbours are not touched", () => {
  const encode = createResultEncoder(shape);
  const frame = (callId: number, bytes: number): OutgoingResult => ({
    callId,
    kind: "frame",
    value: { $typeName: "throughline.testing.v1.CountFrame", index: bytes, data: new Uint8Array(bytes) },
    bytes,
  });
  const read: unknown[] = [];
  const unsent: number[] = [];
  encode(
    [frame(1, 10), frame(2, 10), frame(1, 2_000), frame(2, 20), frame(1, 30), frame(1, 3_000)],
    1_000,
    (message) => decodeResults(shape, message, (callId, kind) => read.push([callId, kind])),
    (callId) => unsent.push(callId),
  );
  expect(read).toEqual([
    [1, "frame"],
    [2, "frame"],
    [1, "error"],
    [2, "frame"],
  ]);
  expect(unsent).toEqual([1]);
});

describe("what is no lane's message is refused, never misread", () => {
  test("any bytes either decode or raise WireError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const decode of [decodeItems, decodeResults]) {
          try {
            decode(shape, Buffer.from(bytes), () => {});
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("a method of another shape is refused by name", () => {
    expect(() => laneShape(EchoService.method.echoOnce)).toThrow("/throughline.testing.v1.EchoService/EchoOnce");
    expect(laneShape(ProviderService.method.invoke).frame?.name).toBe("Frame");
  });
});
