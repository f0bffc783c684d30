import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Usage, UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";

/**
 * What a job that succeeded is charged by: the vendor's own figures, and what its start told where they say nothing of a unit,
 * a size or a resolution. A vendor that says its cost alone has not said how long the video is. Undefined: the vendor says no
 * figure, so what the start told stands.
 *
 * @param started the usage that its start told, as it is kept.
 */
export function chargedBy(started: Uint8Array | null, said: Usage | undefined): Uint8Array | undefined {
  if (said === undefined) return undefined;
  const { $typeName: _type, $unknown: _unknown, estimated: _estimated, traits, more, ...parts } = said;
  const consumed = more.length > 0 || Object.values(parts).some((part) => typeof part === "bigint" && part > 0n);
  if (!consumed) return undefined;
  const told = started === null ? create(UsageSchema) : fromBinary(UsageSchema, started);
  const unsaid = told.more.filter(({ unit }) => !more.some((quantity) => quantity.unit === unit));
  return toBinary(UsageSchema, {
    ...said,
    more: [...more, ...unsaid].sort((a, b) => a.unit - b.unit),
    traits: { ...told.traits, ...traits },
    estimated: said.estimated || (unsaid.length > 0 && told.estimated),
  });
}
