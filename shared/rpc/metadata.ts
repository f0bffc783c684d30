import { Metadata } from "@grpc/grpc-js";

/** Headers as gRPC's clients of others want them, such as the exporters of telemetry. */
export function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
