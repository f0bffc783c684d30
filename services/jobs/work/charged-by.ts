import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Usage, UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";

/**
 * What a job that succeeded is charged by: the vendor's own figures, at the price that its request picked where they do not say
 * a size or a resolution. Undefined: the vendor says none, so what the start said stands.
 *
 * @param started the usage that its start told, as it is kept.
 */
export function chargedBy(started: Uint8Array | null, said: Usage | undefined): Uint8Array | undefined {
  if (said === undefined) return undefined;
  const { $typeName: _type, $unknown: _unknown, estimated: _estimated, traits, more, ...parts } = said;
  const consumed = more.length > 0 || Object.values(parts).some((part) => typeof part === "bigint" && part > 0n);
  if (!consumed) return undefined;
  const picked = started === null ? {} : fromBinary(UsageSchema, started).traits;
  return toBinary(UsageSchema, { ...said, traits: { ...picked, ...traits } });
}
