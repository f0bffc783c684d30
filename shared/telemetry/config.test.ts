import { expect, test } from "vitest";
import { ConfigError } from "../config.ts";
import { telemetryConfig } from "./config.ts";

test("tracing is off until a collector is named", () => {
  expect(telemetryConfig({})).toMatchObject({
    endpoint: undefined,
    sampler: "parentbased_always_on",
    samplerRatio: 1,
    serviceName: undefined,
    headers: {},
    resourceAttributes: {},
  });
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }, "http://collector:4318/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://x/base/" }, "https://x/base/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://x/own" }, "http://x/own"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b/t" }, "http://b/t"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_SDK_DISABLED: "true" }, undefined],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_TRACES_EXPORTER: "none" }, undefined],
])("%j exports to %s", (env, endpoint) => {
  expect(telemetryConfig(env).endpoint).toBe(endpoint);
});

test("headers and resource attributes are percent-decoded pairs; service.name among them names the service", () => {
  const config = telemetryConfig({
    OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic%20abc==, x-tenant = a%2Cb ",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=prod,service.name=edge",
  });
  expect(config.headers).toEqual({ Authorization: "Basic abc==", "x-tenant": "a,b" });
  expect(config.resourceAttributes).toEqual({ "deployment.environment.name": "prod" });
  expect(config.serviceName).toBe("edge");
  expect(telemetryConfig({ OTEL_SERVICE_NAME: "own", OTEL_RESOURCE_ATTRIBUTES: "service.name=edge" }).serviceName).toBe(
    "own",
  );
});

test.each([
  [{ OTEL_TRACES_SAMPLER: "jaeger_remote" }, /^OTEL_TRACES_SAMPLER must be one of/],
  [{ OTEL_TRACES_SAMPLER_ARG: "1.5" }, /^OTEL_TRACES_SAMPLER_ARG must be at most 1/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with/],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }, /^OTEL_EXPORTER_OTLP_PROTOCOL must be one of http\/protobuf/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "s3cret" }, /^OTEL_EXPORTER_OTLP_HEADERS must be pairs/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "a=%zz" }, /^OTEL_EXPORTER_OTLP_HEADERS holds a percent sign/],
])("%j is refused", (env, message) => {
  expect(() => telemetryConfig(env)).toThrow(ConfigError);
  expect(() => telemetryConfig(env)).toThrow(message);
  expect(() => telemetryConfig(env)).not.toThrow(/s3cret/);
});
