import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** How a kind of value is written and read. */
interface Kind {
  /** The method of Writer and Reader. */
  readonly method: string;
  readonly wireType: WireType;
  /** What a field has that was not set. */
  readonly zero: string;
  /** Its type in TypeScript. */
  readonly type: string;
}

const scalarKinds: Partial<Record<ScalarType, Kind>> = {
  [ScalarType.BOOL]: { method: "bool", wireType: WireType.Varint, zero: "false", type: "boolean" },
  [ScalarType.BYTES]: { method: "bytes", wireType: WireType.LengthDelimited, zero: "noBytes", type: "Uint8Array" },
  [ScalarType.FIXED64]: { method: "fixed64", wireType: WireType.Bit64, zero: "0n", type: "bigint" },
  [ScalarType.INT32]: { method: "int32", wireType: WireType.Varint, zero: "0", type: "number" },
  [ScalarType.INT64]: { method: "int64", wireType: WireType.Varint, zero: "0n", type: "bigint" },
  [ScalarType.STRING]: { method: "text", wireType: WireType.LengthDelimited, zero: '""', type: "string" },
  [ScalarType.UINT32]: { method: "uint32", wireType: WireType.Varint, zero: "0", type: "number" },
  [ScalarType.UINT64]: { method: "uint64", wireType: WireType.Varint, zero: "0n", type: "bigint" },
};

/** How the values of a field are written and read, one value of a list. Undefined: they are messages. */
export function kindOf(field: DescField): Kind | undefined {
  const { message } = field;
  const scalar = field.enum === undefined ? field.scalar : ScalarType.INT32;
  const kind = scalar === undefined ? undefined : scalarKinds[scalar];
  // Lists of numbers are packed; no lane has any, nor maps of other things than texts.
  const isPacked = field.fieldKind === "list" && kind !== undefined && kind.wireType !== WireType.LengthDelimited;
  const isMap = field.fieldKind === "map";
  const isMapOfTexts = isMap && field.mapKey === ScalarType.STRING && scalar === ScalarType.STRING;
  if ((kind === undefined && message === undefined) || isPacked || (isMap && !isMapOfTexts)) {
    throw new Error(`${field} is of a kind that no lane had yet: proto/generator has to learn it`);
  }
  return kind;
}

/** The tag of a field, as a number. */
export function tagOf(field: DescField): number {
  const wireType = field.fieldKind === "map" ? WireType.LengthDelimited : kindOf(field)?.wireType;
  return ((field.number << 3) | (wireType ?? WireType.LengthDelimited)) >>> 0;
}

/** Whether a singular field says nothing at all when it has its zero. */
export function isImplicit(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.IMPLICIT;
}

/** Fields by their numbers. */
export function byNumber({ fields }: DescMessage): readonly DescField[] {
  return fields.toSorted((a, b) => a.number - b.number);
}
