import { expect, onTestFinished, test } from "vitest";
import { operationOf } from "../../modules.ts";
import { noUsage } from "../../money.ts";
import { traceIdOf } from "../../request-id.ts";
import { attribute } from "../attributes.ts";
import { billingSpans, gatewaySpans, historySpans, providerSpans, routingSpans } from "../index.ts";
import { createTestTelemetry } from "../testing.ts";

const requestId = 767212140985061376n;
const start = { requestId, traceId: traceIdOf(requestId), method: "POST", route: "/v1/chat/completions" };
const attempt = {
  attemptId: 767212140985061377n,
  attempt: 1,
  channel: "main",
  provider: "acme",
  module: "chat",
  model: "m-1",
  stream: true,
  serverAddress: "api.acme.test",
  serverPort: 443,
  maxTokens: 100,
};

function telemetryFor() {
  const telemetry = createTestTelemetry();
  onTestFinished(() => telemetry.shutdown());
  return telemetry;
}

test("the walk of one request: six spans of five services, one trace, the request ID on each", async () => {
  const telemetry = telemetryFor();
  const gateway = gatewaySpans(telemetry.tracer("gateway"));
  const routing = routingSpans(telemetry.tracer("routing"));
  const billing = billingSpans(telemetry.tracer("billing"));
  const provider = providerSpans(telemetry.tracer("provider"));
  const history = historySpans(telemetry.tracer("history"));

  const root = gateway.request({ ...start, clientRequestId: "mine" });
  const call = { requestId, traceparent: root.traceparent };
  routing.resolved(routing.resolve(call, { model: "m", group: "default", module: "chat" }), {
    channels: ["main", "spare"],
    skipped: ["slow: breaker open"],
  });
  billing.reserved(billing.reserve({ ...call, batchSize: 7 }, { accountId: 1n, keyId: 2n }), 500n);
  provider.answered(provider.upstreamAttempt(call, attempt), {
    httpStatus: 200,
    upstreamRequestId: "up-1",
    responseId: "chatcmpl-1",
    responseModel: "m-1-2026",
    finishReason: "stop",
    firstChunkMs: 120,
    usage: {
      ...noUsage,
      inputTokens: 10n,
      cachedInputTokens: 5n,
      cacheWriteTokens: 0n,
      outputTokens: 20n,
      reasoningTokens: 3n,
    },
  });
  billing.settled(billing.settle({ ...call, batchSize: 2 }, 1n), {
    reservedNanoUsd: 500n,
    billedNanoUsd: 80n,
    reason: "usage",
  });
  history.record({ ...call, batchSize: 4 }, "succeeded").end();
  gateway.answered(root, {
    statusCode: 200,
    dialect: "openai.chat",
    module: "chat",
    model: "m",
    stream: true,
    accountId: 1n,
    chargedNanoUsd: 80n,
  });

  const spans = await telemetry.spans();
  expect(spans.map((span) => [span.service, span.name, span.kind])).toEqual([
    ["throughline-routing", "routing.Resolve", "server"],
    ["throughline-billing", "billing.Reserve", "server"],
    ["throughline-provider", "chat m-1", "client"],
    ["throughline-billing", "billing.Settle", "server"],
    ["throughline-history", "history.Record", "server"],
    ["throughline-gateway", "POST /v1/chat/completions", "server"],
  ]);
  for (const span of spans) {
    expect(span.traceId).toBe(traceIdOf(requestId));
    expect(span.attributes[attribute.requestId]).toBe("767212140985061376");
    expect(span.failed).toBeUndefined();
  }
  expect(spans.find((span) => span.kind === "client")?.attributes).toEqual({
    "throughline.request_id": "767212140985061376",
    "throughline.attempt_id": "767212140985061377",
    "throughline.attempt": 1,
    "throughline.channel": "main",
    "throughline.upstream_request_id": "up-1",
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "acme",
    "gen_ai.request.model": "m-1",
    "gen_ai.request.stream": true,
    "gen_ai.request.max_tokens": 100,
    "gen_ai.output.type": "text",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "m-1-2026",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.response.time_to_first_chunk": 0.12,
    "gen_ai.usage.input_tokens": 15,
    "gen_ai.usage.output_tokens": 23,
    "gen_ai.usage.cache_read.input_tokens": 5,
    "gen_ai.usage.reasoning.output_tokens": 3,
    "http.response.status_code": 200,
    "server.address": "api.acme.test",
    "server.port": 443,
  });
  expect(spans[1]?.attributes).toMatchObject({ "throughline.reserved_nano_usd": "500", "throughline.batch_size": 7 });
  expect(spans[3]?.attributes).toMatchObject({
    "throughline.charged_nano_usd": "80",
    "throughline.settlement_reason": "usage",
  });
  expect(spans[5]?.attributes).toMatchObject({
    "http.route": "/v1/chat/completions",
    "http.response.status_code": 200,
    "throughline.client_request_id": "mine",
    "throughline.charged_nano_usd": "80",
  });
});

test.each([
  [200, undefined, undefined],
  [404, "not_found", undefined],
  [499, "client_closed_request", undefined],
  [502, "upstream_error", "upstream_error"],
  [200, "upstream_error", "upstream_error"],
])(
  "an answer of %d with %s: the error code is on the span, and only what is no client's mistake fails it",
  async (statusCode, errorCode, failed) => {
    const telemetry = telemetryFor();
    const gateway = gatewaySpans(telemetry.tracer("gateway"));
    gateway.answered(gateway.request(start), { statusCode, errorCode });
    const [span] = await telemetry.spans();
    expect(span?.attributes[attribute.errorType]).toBe(failed);
    expect(span?.attributes[attribute.errorCode]).toBe(errorCode);
    expect(span?.failed !== undefined).toBe(failed !== undefined);
  },
);

test("a failed attempt bears its error and no usage; a cancelled one is no error", async () => {
  const telemetry = telemetryFor();
  const provider = providerSpans(telemetry.tracer("provider"));
  const call = { requestId, traceparent: "" };
  provider.failed(provider.upstreamAttempt(call, attempt), {
    httpStatus: 401,
    code: "401",
    message: "bad key sk-abcdefgh1234",
  });
  provider.cancelled(provider.upstreamAttempt(call, { ...attempt, attempt: 2 }), { httpStatus: 200 });
  const [failed, cancelled] = await telemetry.spans();
  expect(failed).toMatchObject({
    failed: "bad key [redacted]",
    attributes: { "error.type": "401", "http.response.status_code": 401 },
  });
  expect(failed?.attributes).not.toHaveProperty(attribute.inputTokens);
  expect(cancelled?.failed).toBeUndefined();
  expect(cancelled?.attributes).toMatchObject({ "throughline.cancelled": true, "throughline.attempt": 2 });
});

test("every module has an operation name", () => {
  expect(["chat", "embeddings", "image", "rerank", "new"].map(operationOf)).toEqual([
    "chat",
    "embeddings",
    "image_generation",
    "rerank",
    "new",
  ]);
});

test("attribute names are unique and well-formed", () => {
  const names = Object.values(attribute);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+$/);
});
