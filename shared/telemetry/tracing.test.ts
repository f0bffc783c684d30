import { expect, onTestFinished, test } from "vitest";
import type { Env } from "../config.ts";
import { traceIdOf } from "../request-id.ts";
import { createPassiveTracing, createTelemetry, telemetryConfig } from "./index.ts";
import { createTestTelemetry } from "./testing.ts";
import { parseTraceparent } from "./traceparent.ts";

const requestId = 767212140985061376n;
const traceId = traceIdOf(requestId);
const inbound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function telemetryFor(env: Env = {}, service?: string) {
  const telemetry = createTestTelemetry(env, service);
  onTestFinished(() => telemetry.shutdown());
  return telemetry;
}

test("the root span bears the trace ID of its request, and every span the request ID, over all services of the process", async () => {
  const telemetry = telemetryFor();
  const root = telemetry
    .tracer("gateway")
    .startRoot("POST /v1/chat/completions", { requestId, traceId, kind: "server" });
  for (const service of ["routing", "billing", "provider", "history"]) {
    telemetry
      .tracer(service)
      .startChild(`${service}.Method`, { parent: root.traceparent, requestId, kind: "server" })
      .end();
  }
  root.end();
  const spans = await telemetry.spans();
  expect(spans.map((span) => span.service)).toEqual([
    "throughline-routing",
    "throughline-billing",
    "throughline-provider",
    "throughline-history",
    "throughline-gateway",
  ]);
  for (const span of spans) {
    expect(span.traceId).toBe(traceId);
    expect(span.attributes["throughline.request_id"]).toBe("767212140985061376");
  }
  expect(spans.map((span) => span.parentSpanId)).toEqual([
    root.spanId,
    root.spanId,
    root.spanId,
    root.spanId,
    undefined,
  ]);
  expect(new Set(spans.map((span) => span.spanId)).size).toBe(5);
});

test("an inbound context goes on: its trace, its span as parent", async () => {
  const telemetry = telemetryFor();
  const root = telemetry.tracer("gateway").startRoot("GET /x", { requestId, traceId, inbound, kind: "server" });
  root.end();
  expect(root.traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect((await telemetry.spans())[0]).toMatchObject({ traceId: root.traceId, parentSpanId: "b7ad6b7169203331" });
});

test("a malformed inbound context is dropped for the request's own trace", () => {
  const root = telemetryFor()
    .tracer("gateway")
    .startRoot("GET /x", { requestId, traceId, inbound: `${inbound}-x`, kind: "server" });
  expect(root.traceId).toBe(traceId);
});

test("who gets no context still lands in the trace of the request", () => {
  const tracing = telemetryFor().tracer("billing");
  expect(tracing.startChild("billing.Settle", { parent: "", requestId, kind: "server" }).traceId).toBe(traceId);
  const sweep = tracing.startChild("billing.Sweep", { parent: "", requestId: 0n, kind: "internal" });
  expect(parseTraceparent(sweep.traceparent)).toBeDefined();
});

test("work that belongs to no request bears no request ID", async () => {
  const telemetry = telemetryFor();
  telemetry.tracer("billing").startChild("billing.Sweep", { parent: "", requestId: 0n, kind: "internal" }).end();
  expect((await telemetry.spans())[0]?.attributes).toEqual({});
});

test("attributes, failure and times are kept; nothing changes a span that has ended", async () => {
  const telemetry = telemetryFor();
  const before = Date.now();
  const span = telemetry
    .tracer("provider")
    .startChild("chat m", { parent: inbound, requestId: 0n, kind: "client", attrs: () => ({ a: 1, gone: undefined }) });
  span.set({ b: "x".repeat(5000), c: true, d: ["p", "q"], a: 2 });
  span.fail("upstream_error", "key sk-abcdef123456 was refused");
  span.end();
  span.set({ late: true });
  span.fail("late");
  span.end();
  const [seen, ...others] = await telemetry.spans();
  expect(others).toEqual([]);
  expect(seen).toMatchObject({ kind: "client", failed: "key [redacted] was refused" });
  expect(seen?.attributes).toEqual({
    a: 2,
    b: "x".repeat(4096),
    c: true,
    d: ["p", "q"],
    "error.type": "upstream_error",
  });
  expect(seen?.startMs).toBeGreaterThan(before - 5);
  expect(seen?.startMs).toBeLessThan(Date.now() + 5);
  expect(seen?.durationMs).toBeGreaterThanOrEqual(0);
  expect(seen?.durationMs).toBeLessThan(Date.now() - before + 5);
});

test("unsampled: nothing is exported, the context goes on unsampled, and children hand on their parent's", async () => {
  const telemetry = telemetryFor({ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" });
  const root = telemetry.tracer("gateway").startRoot("GET /x", { requestId, traceId, kind: "server" });
  const child = telemetry
    .tracer("billing")
    .startChild("billing.Reserve", { parent: root.traceparent, requestId, kind: "server" });
  expect(parseTraceparent(root.traceparent)).toEqual({ traceId, spanId: root.spanId, flags: 0 });
  expect(child.traceparent).toBe(root.traceparent);
  expect([root.recording, child.recording]).toEqual([false, false]);
  child.set({ a: 1 });
  child.fail("x");
  child.end();
  root.end();
  expect(await telemetry.spans()).toEqual([]);
});

test("a caller's sampled flag is followed, whatever the ratio for roots", async () => {
  const telemetry = telemetryFor({ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" });
  telemetry.tracer("gateway").startRoot("GET /x", { requestId, traceId, inbound, kind: "server" }).end();
  telemetry
    .tracer("gateway")
    .startRoot("GET /x", { requestId, traceId, inbound: inbound.replace(/1$/, "0"), kind: "server" })
    .end();
  expect(await telemetry.spans()).toHaveLength(1);
});

test("switched off: spans carry IDs and context and are recorded nowhere", () => {
  const telemetry = createTelemetry(telemetryConfig({}), { service: "gateway", log: { warn: () => undefined } });
  onTestFinished(() => telemetry.shutdown());
  expect(telemetry.tracing).toBe(false);
  const root = telemetry.tracer("gateway").startRoot("GET /x", { requestId, traceId, kind: "server" });
  expect(parseTraceparent(root.traceparent)).toEqual({ traceId, spanId: root.spanId, flags: 0 });
  expect(root.recording).toBe(false);
});

test("switched off: a caller's context passes through untouched, so its trace does not break here", () => {
  const tracing = createPassiveTracing();
  const root = tracing.startRoot("GET /x", { requestId, traceId, inbound, kind: "server" });
  expect(root.traceparent).toBe(inbound);
  expect(tracing.startChild("y", { parent: root.traceparent, requestId, kind: "client" }).traceparent).toBe(inbound);
});

test("one tracer a service: asking twice gives the same", () => {
  const telemetry = telemetryFor();
  expect(telemetry.tracer("billing")).toBe(telemetry.tracer("billing"));
});

test.each([
  [{}, "billing", "billing", "throughline-billing"],
  [{ OTEL_SERVICE_NAME: "ledger" }, "billing", "billing", "ledger"],
  [{ OTEL_SERVICE_NAME: "acme" }, "throughline", "billing", "acme-billing"],
  [{}, "throughline", "throughline", "throughline"],
])("%j in the process %s: spans of %s show as %s", async (env, own, service, name) => {
  const telemetry = telemetryFor(env, own);
  telemetry.tracer(service).startChild("x", { parent: "", requestId: 0n, kind: "internal" }).end();
  expect((await telemetry.spans())[0]?.service).toBe(name);
});
