import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { TelemetryConfig } from "./config.ts";

/** Prefix of service names and service.namespace where the deployment says nothing else. */
const house = "throughline";

/**
 * service.name of `service` in a process whose own service is `process`: OTEL_SERVICE_NAME as it is for the process's own
 * service, as a prefix for the others that share the process (`throughline up`).
 */
export function serviceName(configured: string | undefined, own: string, service: string): string {
  if (configured !== undefined && service === own) return configured;
  const prefix = configured ?? house;
  return service === prefix ? service : `${prefix}-${service}`;
}

/** Makes the resources of one process: alike but for service.name. */
export function createResources(
  config: TelemetryConfig,
  own: string,
  version: string | undefined,
): (service: string) => Resource {
  const shared = {
    "service.namespace": house,
    "service.instance.id": randomUUID(),
    "host.name": hostname(),
    "process.pid": process.pid,
    "process.runtime.name": "nodejs",
    "process.runtime.version": process.versions.node,
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "opentelemetry",
    ...(version === undefined ? {} : { "service.version": version }),
    ...config.resourceAttributes,
  };
  return (service) =>
    resourceFromAttributes({ ...shared, "service.name": serviceName(config.serviceName, own, service) });
}
