import {
  create,
  createRegistry,
  type DescField,
  type DescMessage,
  equals,
  fromBinary,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { laneCodecs } from "../gen/lane_codecs.ts";
import { file_throughline_billing_v1_billing } from "../gen/throughline/billing/v1/billing_pb.ts";
import { file_throughline_common_v1_common } from "../gen/throughline/common/v1/common_pb.ts";
import { file_throughline_history_v1_history } from "../gen/throughline/history/v1/history_pb.ts";
import { file_throughline_history_v1_payload } from "../gen/throughline/history/v1/payload_pb.ts";
import { file_throughline_provider_v1_provider } from "../gen/throughline/provider/v1/provider_pb.ts";
import { file_throughline_routing_v1_routing } from "../gen/throughline/routing/v1/routing_pb.ts";
import { file_throughline_testing_v1_echo } from "../gen/throughline/testing/v1/echo_pb.ts";
import { codecOf, creatorOf, decoderOf, encoderOf } from "./lanes.ts";

/*
 * The generated code against protobuf-es, for every message of lanes. By hand, a million messages of each property:
 *
 *   LANE_CODEC_MESSAGES=1000000 vitest run shared/codec
 */

const files = [
  file_throughline_billing_v1_billing,
  file_throughline_common_v1_common,
  file_throughline_history_v1_history,
  file_throughline_history_v1_payload,
  file_throughline_provider_v1_provider,
  file_throughline_routing_v1_routing,
  file_throughline_testing_v1_echo,
];
const schemas = files.flatMap(({ messages }) => messages).filter(({ typeName }) => laneCodecs[typeName] !== undefined);
const registry = createRegistry(...files);
const messages = Number(process.env.LANE_CODEC_MESSAGES ?? 2_000);
const runs = { numRuns: Math.ceil(messages / schemas.length) };
const minute = 60_000;
const timeoutMs = Math.max(minute, messages);

const halves = fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f }), { maxLength: 4 });
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(31, 32, 33, 127, 128, 20_000).map((length) => "a".repeat(length)),
  fc.constantFrom(31, 32, 33, 63, 64, 127, 128).map((length) => `${"a".repeat(length - 1)}é`),
  halves.map((codes) => String.fromCharCode(...codes)),
);
const whole = (min: bigint, max: bigint) =>
  fc.oneof(fc.constantFrom(min, max, 1n, 127n, 128n, 2n ** 32n - 1n, 2n ** 32n), fc.bigInt({ min, max }));
const scalars: Partial<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.BYTES]: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 120, maxLength: 140 })),
  [ScalarType.FIXED64]: whole(0n, 2n ** 64n - 1n),
  [ScalarType.INT32]: fc.oneof(fc.integer(), fc.nat(300)),
  [ScalarType.INT64]: whole(-(2n ** 63n), 2n ** 63n - 1n),
  [ScalarType.STRING]: text,
  [ScalarType.UINT32]: fc.oneof(fc.nat(20_000), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  [ScalarType.UINT64]: whole(0n, 2n ** 64n - 1n),
};

/** Fields of a version that is not known here. */
const newerFields = fc.array(
  fc
    .record({ no: fc.integer({ min: 900, max: 2 ** 29 - 1 }), data: fc.uint8Array({ maxLength: 9 }) })
    .map(({ no, data }) => ({ no, wireType: WireType.LengthDelimited, data: Uint8Array.of(data.length, ...data) })),
  { maxLength: 2 },
);

/** Most often that a message stands within itself here: one that holds its own kind has no end. */
const deepest = 2;

/** @param above the messages that the field stands in. */
function arbitraryOf(field: DescField, above: readonly DescMessage[]): fc.Arbitrary<unknown> {
  const { message } = field;
  if (message !== undefined && above.filter((one) => one === message).length >= deepest) return fc.constant(undefined);
  if (message !== undefined) return fieldsOf(message, above);
  return scalars[field.enum === undefined ? (field.scalar as ScalarType) : ScalarType.INT32] ?? fc.constant(undefined);
}

/** What a member of a message may be set to; undefined or null: it is not. */
function memberOf(member: DescMessage["members"][number], above: readonly DescMessage[]): fc.Arbitrary<unknown> {
  if (member.kind === "oneof") {
    const cases = member.fields.map((field) =>
      arbitraryOf(field, above).map((value) => ({ case: field.localName, value })),
    );
    return fc.option(fc.oneof(...cases), { nil: undefined });
  }
  if (member.fieldKind === "list") return fc.array(arbitraryOf(member, above), { maxLength: 2 });
  if (member.fieldKind === "map")
    return fc
      .array(fc.tuple(fc.oneof(fc.constant("__proto__"), text), text), { maxLength: 2 })
      .map((entries) =>
        entries.reduce(
          (map, [key, value]) =>
            Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true }),
          {},
        ),
      );
  return fc.oneof(fc.constantFrom(undefined, null), arbitraryOf(member, above));
}

/** The fields that a message is made of. */
function fieldsOf(schema: DescMessage, above: readonly DescMessage[] = []): fc.Arbitrary<Record<string, unknown>> {
  const within = [...above, schema];
  return fc.record(Object.fromEntries(schema.members.map((member) => [member.localName, memberOf(member, within)])));
}

function messageOf(schema: DescMessage): fc.Arbitrary<Message> {
  return fc.tuple(fieldsOf(schema), newerFields).map(([fields, newer]) => {
    const message = create(schema, fields);
    if (newer.length > 0) message.$unknown = newer;
    return message;
  });
}

const mutations = fc.array(
  fc.record({ at: fc.nat(), kind: fc.constantFrom("set", "insert", "remove", "cut", "double"), byte: fc.nat(255) }),
  { minLength: 1, maxLength: 4 },
);

function mutated(bytes: Uint8Array, changes: readonly { at: number; kind: string; byte: number }[]): Uint8Array {
  let out = [...bytes];
  for (const { at, kind, byte } of changes) {
    const index = at % (out.length + 1);
    if (kind === "set") out[index] = byte;
    else if (kind === "insert") out.splice(index, 0, byte);
    else if (kind === "remove") out.splice(index, 1);
    else if (kind === "cut") out = out.slice(0, index);
    else out = [...out, ...out.slice(index)];
  }
  return Uint8Array.from(out);
}

/** Bytes and texts of a message and of those that it holds singly. */
function weightOf({ fields }: DescMessage, message: Readonly<Record<string, unknown>>): number {
  let weight = 0;
  for (const field of fields) {
    const value = message[field.localName];
    if (field.oneof !== undefined || value === undefined) continue;
    if (field.fieldKind === "message") weight += weightOf(field.message, value as Record<string, unknown>);
    else if (field.scalar === ScalarType.STRING && field.fieldKind === "scalar") weight += String(value).length;
    else if (value instanceof Uint8Array) weight += value.length;
  }
  return weight;
}

const refused = Symbol("refused");

function attempt<T>(work: () => T): T | typeof refused {
  try {
    return work();
  } catch {
    return refused;
  }
}

/** Messages that are known again are remembered when they come twice, and given when they come once more. */
const readings = 3;

/** Reads bytes in both ways. They lie in the middle of others, as in a batch. */
function expectSameReading(schema: DescMessage, decode: (bytes: Buffer) => Message, plain: Uint8Array): void {
  const bytes = Buffer.alloc(plain.length + 7).subarray(3, plain.length + 3);
  bytes.set(plain);
  const theirs = attempt(() => fromBinary(schema, bytes));
  for (let reading = 0; reading < readings; reading += 1) {
    const ours = attempt(() => decode(bytes));
    if (theirs === refused || ours === refused) expect(ours, "refused by one of the two").toBe(theirs);
    else {
      if (!equals(schema, ours, theirs, { registry, unknown: true })) expect(ours).toEqual(theirs);
      expect(encoderOf(schema)(ours).equals(toBinary(schema, theirs)), "written as protobuf-es does it").toBe(true);
    }
  }
}

test("there is code for the messages of all lanes", () => {
  expect(schemas.map(({ typeName }) => typeName).sort()).toEqual(Object.keys(laneCodecs).sort());
  expect(schemas.length).toBeGreaterThan(40);
});

describe.each(schemas.map((schema) => [schema.name, schema] as const))("%s", (_, schema) => {
  const encode = encoderOf(schema);
  const decode = decoderOf(schema);
  const make = creatorOf(schema);

  test("is made, written and read as protobuf-es does it", { timeout: timeoutMs }, () => {
    fc.assert(
      fc.property(fieldsOf(schema), messageOf(schema), (fields, message) => {
        expect(equals(schema, make(fields as never), create(schema, fields))).toBe(true);
        const bytes = encode(message);
        expect(bytes.equals(toBinary(schema, message))).toBe(true);
        expectSameReading(schema, decode, bytes);
        expect(codecOf(schema).weigh(message)).toBe(weightOf(schema, message as unknown as Record<string, unknown>));
      }),
      runs,
    );
  });

  test("is refused where protobuf-es refuses it, and read alike where it does not", { timeout: timeoutMs }, () => {
    fc.assert(
      fc.property(messageOf(schema), messageOf(schema), mutations, (first, second, changes) => {
        // Two in a row are one that is merged.
        const bytes = Buffer.concat([toBinary(schema, first), toBinary(schema, second)]);
        expectSameReading(schema, decode, bytes);
        expectSameReading(schema, decode, mutated(bytes, changes));
      }),
      runs,
    );
  });

  test("is refused with a value that does not fit its field", () => {
    const unfit = [-1, 1.5, Number.NaN, 2 ** 32, -1n, 2n ** 64n, 2n ** 63n, -(2n ** 63n) - 1n, null];
    for (const field of schema.fields) {
      for (const value of unfit) {
        const message = { ...create(schema), [field.localName]: value } as Message;
        if (field.oneof === undefined && attempt(() => toBinary(schema, message)) === refused) {
          expect(
            attempt(() => encode(message)),
            `${field.localName} = ${value}`,
          ).toBe(refused);
        }
      }
    }
    expect(() => encode({ $typeName: "another" })).toThrow("another");
  });
});

test("any bytes are read as protobuf-es reads them", { timeout: timeoutMs }, () => {
  const decoders = schemas.map((schema) => [schema, decoderOf(schema)] as const);
  fc.assert(
    fc.property(fc.constantFrom(...decoders), fc.uint8Array({ maxLength: 40 }), ([schema, decode], bytes) =>
      expectSameReading(schema, decode, bytes),
    ),
    { numRuns: messages },
  );
});
