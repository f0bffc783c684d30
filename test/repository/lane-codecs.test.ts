import type { DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { DoubleValueSchema, FileDescriptorProtoSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { kindOf } from "../../proto/generator/fields.ts";
import { laneMessages } from "../../proto/generator/lane-messages.ts";

const fieldOf = ({ fields }: DescMessage, name: string) => fields.find((field) => field.name === name) as DescField;

test.each([
  ["a double", fieldOf(DoubleValueSchema, "value")],
  ["a packed list", fieldOf(FileDescriptorProtoSchema, "public_dependency")],
  ["a map of messages", fieldOf(StructSchema, "fields")],
])("the generator refuses %s, which no lane had yet, by the field's name", (_kind, field) => {
  expect(() => kindOf(field)).toThrow(field.name);
});

test("two messages of one name on lanes are refused: their code would have one name", () => {
  const lane = (messages: readonly DescMessage[]) =>
    ({
      messages: [],
      services: [{ methods: messages.map((input) => ({ methodKind: "bidi_streaming", input, output: input })) }],
    }) as unknown as DescFile;
  const other = { ...DoubleValueSchema, typeName: "other.DoubleValue" } as DescMessage;
  expect(() => laneMessages([lane([DoubleValueSchema, other])], [])).toThrow("other.DoubleValue");
  expect(laneMessages([lane([DoubleValueSchema, DoubleValueSchema])], [])).toEqual([DoubleValueSchema]);
});
