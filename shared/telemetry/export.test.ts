import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../log.ts";
import { traceIdOf } from "../request-id.ts";
import { startRawServer } from "../rpc/testing-raw.ts";
import { createTelemetry, openOtlpLogs, telemetryConfig } from "./index.ts";
import { decodeLogs, decodeTraces, startTestCollector, type TestCollector } from "./testing-collector.ts";
import { rootSpanId } from "./tracing.ts";

const requestId = 767212140985061376n;
const unexpected = (error: unknown): never => expect.fail(String(error));

async function collector(): Promise<TestCollector> {
  const started = await startTestCollector();
  onTestFinished(() => started.stop());
  return started;
}

function telemetryTo(endpoint: string, env: Record<string, string> = {}) {
  const warnings: unknown[] = [];
  const log = { warn: (fields: unknown) => void warnings.push(fields) };
  const config = telemetryConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_TIMEOUT: "300ms",
    ...env,
  });
  const telemetry = createTelemetry(config, { service: "throughline", version: "1.2.3", log });
  onTestFinished(() => telemetry.shutdown());
  return { telemetry, warnings };
}

test("spans reach a collector as OTLP protobuf, each service under its own name, with all they say", async () => {
  const sink = await collector();
  const { telemetry } = telemetryTo(sink.endpoint, {
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=acme",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  });
  const before = Date.now();
  const root = telemetry
    .tracer("gateway")
    .startRoot("POST /v1/chat/completions", { requestId, traceId: traceIdOf(requestId), kind: "server" });
  const attempt = telemetry.tracer("provider").startChild("chat m", {
    parent: root.traceparent,
    requestId,
    kind: "client",
    attrs: () => ({ text: "é", whole: 12, big: 2 ** 40, part: 0.25, yes: true, list: ["stop", "x"] }),
  });
  attempt.fail("529", "overloaded");
  attempt.end();
  root.end();
  await telemetry.flush();

  expect(sink.exports).toHaveLength(1);
  expect(sink.exports[0]?.path).toBe("/v1/traces");
  expect(sink.exports[0]?.headers).toMatchObject({ "content-type": "application/x-protobuf", "x-tenant": "acme" });
  const spans = Object.fromEntries(sink.spans().map((span) => [span.service, span]));
  expect(spans["throughline-gateway"]).toMatchObject({
    name: "POST /v1/chat/completions",
    kind: "server",
    traceId: traceIdOf(requestId),
    spanId: root.spanId,
    parentSpanId: undefined,
    failed: undefined,
    attributes: { "throughline.request_id": "767212140985061376" },
    resource: { "service.namespace": "throughline", "service.version": "1.2.3", "deployment.environment.name": "test" },
  });
  expect(spans["throughline-provider"]).toMatchObject({
    kind: "client",
    parentSpanId: root.spanId,
    failed: "overloaded",
    attributes: { text: "é", whole: 12, big: 2 ** 40, part: 0.25, yes: true, list: ["stop", "x"], "error.type": "529" },
  });
  for (const span of sink.spans()) {
    expect(Math.abs(span.startMs - before)).toBeLessThan(1000);
    expect(span.durationMs).toBeGreaterThanOrEqual(0);
  }
  const ids = sink.spans().map((span) => span.resource["service.instance.id"]);
  expect(new Set(ids).size).toBe(1);
});

test("spans go out by themselves, without a flush", async () => {
  const sink = await collector();
  const { telemetry } = telemetryTo(sink.endpoint, { OTEL_BSP_SCHEDULE_DELAY: "5ms" });
  telemetry.tracer("billing").startChild("x", { parent: "", requestId, kind: "server" }).end();
  await expect.poll(() => sink.spans().length, { interval: 5 }).toBe(1);
});

test("shutdown exports what is left, in batches, and may be called twice", async () => {
  const sink = await collector();
  const { telemetry } = telemetryTo(sink.endpoint, { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "100" });
  const tracing = telemetry.tracer("billing");
  for (let i = 0; i < 1000; i++) tracing.startChild("x", { parent: "", requestId, kind: "server" }).end();
  await Promise.all([telemetry.shutdown(), telemetry.shutdown()]);
  expect(sink.spans()).toHaveLength(1000);
  expect(Math.max(...sink.exports.map((one) => one.spans.length))).toBe(100);
});

test("a full queue drops spans and counts them", async () => {
  const sink = await collector();
  const { telemetry } = telemetryTo(sink.endpoint, {
    OTEL_BSP_MAX_QUEUE_SIZE: "10",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
  });
  const tracing = telemetry.tracer("billing");
  for (let i = 0; i < 50; i++) tracing.startChild("x", { parent: "", requestId, kind: "server" }).end();
  await telemetry.flush();
  const text = await telemetry.metricsText();
  const dropped = /^otel_sdk_processor_span_processed_total\{.*error_type="queue_full".*\} (\d+)$/m.exec(text)?.[1];
  expect(Number(dropped)).toBeGreaterThan(0);
  await telemetry.shutdown();
  expect(sink.spans().length + Number(dropped)).toBe(50);
});

test("a collector that refuses is logged once a minute, not once an export, without its headers", async () => {
  const sink = await collector();
  sink.answerWith(400);
  const { telemetry, warnings } = telemetryTo(sink.endpoint, { OTEL_EXPORTER_OTLP_HEADERS: "authorization=opaque" });
  const tracing = telemetry.tracer("billing");
  for (let i = 0; i < 3; i++) {
    tracing.startChild("x", { parent: "", requestId, kind: "server" }).end();
    await expect(telemetry.flush()).rejects.toThrow();
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatchObject({ spans: 1 });
  expect(JSON.stringify(warnings)).not.toContain("opaque");
});

test("with no collector there, spans cost the request nothing and shutdown ends", async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const { telemetry, warnings } = telemetryTo(`http://127.0.0.1:${port}`);
  const span = telemetry.tracer("billing").startChild("x", { parent: "", requestId, kind: "server" });
  expect(() => span.end()).not.toThrow();
  await telemetry.shutdown();
  expect(warnings).toHaveLength(1);
});

test("spans and log lines reach a collector over gRPC, with the headers that it asks for", async () => {
  const {
    endpoint,
    calls: exports,
    stop,
  } = await startRawServer([
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  ]);
  onTestFinished(stop);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=acme",
    OTEL_EXPORTER_OTLP_TIMEOUT: "5s",
    OTEL_LOGS_EXPORTER: "otlp",
  };
  const { telemetry } = telemetryTo(endpoint, env);
  telemetry
    .tracer("gateway")
    .startRoot("GET /x", { requestId, traceId: traceIdOf(requestId), kind: "server" })
    .end();
  await telemetry.flush();
  const logs = await openOtlpLogs(telemetryConfig(env), {
    service: "gateway",
    version: "1.2.3",
    onFailed: unexpected,
  });
  logs?.write('{"level":"info","msg":"hello"}');
  await logs?.shutdown();
  expect(exports.map(({ headers }) => headers["x-tenant"])).toEqual(["acme", "acme"]);
  expect(decodeTraces(exports[0]?.body ?? Buffer.alloc(0))).toMatchObject([
    { name: "GET /x", traceId: traceIdOf(requestId) },
  ]);
  expect(decodeLogs(exports[1]?.body ?? Buffer.alloc(0))).toMatchObject([
    { body: "hello", service: "throughline-gateway" },
  ]);
});

test("log lines reach a collector beside standard output, each of its service and of its request's trace", async () => {
  const sink = await collector();
  const failed: unknown[] = [];
  const config = telemetryConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint,
    OTEL_EXPORTER_OTLP_TIMEOUT: "300ms",
    OTEL_LOGS_EXPORTER: "otlp",
  });
  const logs = await openOtlpLogs(config, {
    service: "throughline",
    version: "1.2.3",
    onFailed: (error) => failed.push(error),
  });
  const written: string[] = [];
  const destination = {
    write(line: string) {
      written.push(line);
      logs?.write(line);
    },
  };
  const traceId = traceIdOf(requestId);
  const log = createLog({ service: "gateway", destination });
  log.warn({ request_id: requestId, trace_id: traceId, status: 502, apiKey: "sk-abcdefgh12345" }, "request");
  createLog({ service: "billing", destination }).error({ err: new TypeError("broken sk-abcdefgh12345") }, "failed");
  log.debug("left out");
  logs?.write("no JSON");
  await logs?.shutdown();
  expect(written).toHaveLength(2);
  expect(sink.lines()).toMatchObject([
    {
      service: "throughline-gateway",
      severity: "warn",
      severityNumber: 13,
      body: "request",
      attributes: { "throughline.request_id": requestId.toString(), status: 502 },
      ...{ traceId, spanId: rootSpanId(requestId) },
    },
    {
      service: "throughline-billing",
      severity: "error",
      attributes: { "exception.type": "TypeError", "exception.message": "broken [redacted]" },
      ...{ traceId: "", spanId: "" },
    },
  ]);
  expect(JSON.stringify(sink.lines())).not.toContain("abcdefgh12345");
  expect(Math.abs((sink.lines()[0]?.timeMs ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(failed).toEqual([]);
});

test("without OTEL_LOGS_EXPORTER nothing of it is opened, and a collector that refuses lines is told of", async () => {
  const sink = await collector();
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: "300ms" };
  const about = { service: "throughline", version: "1.2.3" };
  expect(await openOtlpLogs(telemetryConfig(base), { ...about, onFailed: unexpected })).toBeUndefined();
  sink.answerWith(400);
  const failed: unknown[] = [];
  const config = telemetryConfig({ ...base, OTEL_LOGS_EXPORTER: "otlp" });
  const logs = await openOtlpLogs(config, { ...about, onFailed: (error) => failed.push(error) });
  logs?.write('{"msg":"hello"}');
  await logs?.shutdown();
  expect(failed).toHaveLength(1);
});
