import { metadataOf } from "../rpc/index.ts";
import type { TelemetryConfig } from "./config.ts";

/** What the official exporters over gRPC are told; https is TLS, http plain text. */
export function grpcOptions(url: string, { headers, exportTimeoutMs }: TelemetryConfig) {
  return { url, metadata: metadataOf(headers), timeoutMillis: exportTimeoutMs };
}
