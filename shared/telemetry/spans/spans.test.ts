import { expect, onTestFinished, test } from "vitest";
import { errorCodes, isFault } from "../../errors/catalogue.ts";
import { grpcStatusOf } from "../../errors/grpc-status.ts";
import { BillingService } from "../../gen/throughline/billing/v1/billing_pb.ts";
import { HistoryService } from "../../gen/throughline/history/v1/history_pb.ts";
import { ProviderService } from "../../gen/throughline/provider/v1/provider_pb.ts";
import { RoutingService } from "../../gen/throughline/routing/v1/routing_pb.ts";
import { moduleNames, operationOf, outputTypeOf } from "../../modules.ts";
import { noUsage } from "../../money/usage.ts";
import { traceIdOf } from "../../request-id.ts";
import { methodName } from "../../rpc/shape.ts";
import { attribute } from "../attributes.ts";
import { billingSpans, endCall, gatewaySpans, historySpans, providerSpans, routingSpans } from "../index.ts";
import { createTestTelemetry } from "../testing.ts";
import { rootSpanId } from "../tracing.ts";
import { httpAttributes } from "./http.ts";
import { serverOf } from "./rpc.ts";

const requestId = 767212140985061376n;
const http = {
  url: "/v1/chat/completions?key=AIzaSecretOfAClient&page=1",
  protocol: "https",
  hostname: "api.house.test",
  port: null,
  ip: "203.0.113.7",
  headers: { "user-agent": "sdk/1.0" },
  raw: { httpVersion: "1.1", socket: { remoteAddress: "10.0.0.1", remotePort: 4711 } },
};
const start = {
  ...{ requestId, traceId: traceIdOf(requestId), method: "POST", route: "/v1/chat/completions", http },
  trustsInbound: true,
};
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
  parameters: () => ({ maxTokens: 100, temperature: 0.5, stopSequences: ["END"], choices: 1 }),
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
  endCall(history.record({ ...call, batchSize: 4 }, "succeeded"));
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
    ["throughline-routing", "throughline.routing.v1.RoutingService/Resolve", "server"],
    ["throughline-billing", "throughline.billing.v1.BillingService/Reserve", "server"],
    ["throughline-provider", "chat m-1", "client"],
    ["throughline-billing", "throughline.billing.v1.BillingService/Settle", "server"],
    ["throughline-history", "throughline.history.v1.HistoryService/Record", "server"],
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
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stop_sequences": ["END"],
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
    "http.request.method": "POST",
    "url.path": "/v1/chat/completions",
    "url.query": "key=REDACTED&page=1",
    "url.scheme": "https",
    "server.address": "api.house.test",
    "server.port": 443,
    "client.address": "203.0.113.7",
    "network.peer.address": "10.0.0.1",
    "network.peer.port": 4711,
    "network.protocol.version": "1.1",
    "user_agent.original": "sdk/1.0",
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

test.each(errorCodes)(
  "an attempt that ends as %s is an error of its span unless its client made a mistake",
  async (code) => {
    const telemetry = telemetryFor();
    const provider = providerSpans(telemetry.tracer("provider"));
    provider.failed(provider.upstreamAttempt({ requestId, traceparent: "" }, attempt), { httpStatus: 400, code });
    const [span] = await telemetry.spans();
    expect(span?.failed !== undefined).toBe(isFault(code));
    expect(span?.attributes[attribute.errorType]).toBe(isFault(code) ? code : undefined);
    expect(span?.attributes[attribute.errorCode]).toBe(isFault(code) ? undefined : code);
  },
);

test("every module has an operation and a type of output by its name in the conventions, or one of ours", () => {
  const told = Object.fromEntries(moduleNames.map((name) => [name, [operationOf(name), outputTypeOf(name)]]));
  expect(told).toEqual({
    chat: ["chat", "text"],
    embeddings: ["embeddings", undefined],
    image: ["image_generation", "image"],
    video: ["video_generation", undefined],
    audio: ["audio", "speech"],
    rerank: ["rerank", undefined],
    moderation: ["moderation", undefined],
  });
  expect(operationOf("new")).toBe("new");
});

const asked = { ...http, url: "/v1/models", protocol: "http", hostname: "gateway.test", port: 8080 };
test.each([
  ["a path", {}, { "url.path": "/v1/models", "url.query": undefined, "url.scheme": "http", "server.port": 8080 }],
  ["a query", { url: "/v1/models?page=2" }, { "url.path": "/v1/models", "url.query": "page=2" }],
  ["a mark without a query", { url: "/v1/models?" }, { "url.path": "/v1/models", "url.query": undefined }],
  [
    "scheme and host in the line",
    { url: "http://a.test:1/v1/models?a=b" },
    { "url.path": "/v1/models", "url.query": "a=b" },
  ],
  ["a host without a path", { url: "HTTP://u:p@a.test?a=b" }, { "url.path": "/", "url.query": "a=b" }],
  ["the server as a whole", { url: "*" }, { "url.path": "*" }],
  ["a secret in the path", { url: "/v1/sk-abcdefgh12345678/x" }, { "url.path": "/v1/[redacted]/x" }],
  [
    "secrets in the query",
    { url: "/?key=1&access_token=2&X-Api-Key=3&a=Bearer+x" },
    { "url.query": "key=REDACTED&access_token=[redacted]&X-Api-Key=REDACTED&a=Bearer+x" },
  ],
  ["TLS without a port", { protocol: "https", port: null }, { "url.scheme": "https", "server.port": 443 }],
  ["no TLS and no port", { port: null }, { "server.port": 80 }],
  ["an IPv6 address", { hostname: "[::1]" }, { "server.address": "::1", "server.port": 8080 }],
  ["no host", { hostname: "", port: null }, { "server.address": undefined, "server.port": undefined }],
  ["no user agent", { headers: {} }, { "user_agent.original": undefined }],
  ["a proxy in front", { ip: "203.0.113.9" }, { "client.address": "203.0.113.9", "network.peer.address": "10.0.0.1" }],
  ["HTTP 1.0", { raw: { ...http.raw, httpVersion: "1.0" } }, { "network.protocol.version": "1.0" }],
])("a request with %s", (_, given, said) => {
  expect(httpAttributes({ ...asked, ...given }, "GET")).toMatchObject(said);
});

test("attribute names are unique and well-formed", () => {
  const names = Object.values(attribute);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+$/);
});

test("a method that a client made up is _OTHER, and a path without a route is in no name", async () => {
  const telemetry = telemetryFor();
  const gateway = gatewaySpans(telemetry.tracer("gateway"));
  for (const [method, route] of [
    ["BREW", "unknown"],
    ["BREW", "/v1/models"],
    ["GET", "unknown"],
  ] as const) {
    gateway.answered(gateway.request({ ...start, method, route }), { statusCode: 404 });
  }
  const spans = await telemetry.spans();
  expect(
    spans.map(({ name, attributes }) => [name, attributes[attribute.httpMethod], attributes[attribute.httpRoute]]),
  ).toEqual([
    ["HTTP", "_OTHER", undefined],
    ["HTTP /v1/models", "_OTHER", "/v1/models"],
    ["GET", "GET", undefined],
  ]);
  expect(spans[0]?.attributes[attribute.httpMethodOriginal]).toBe("BREW");
});

test("a caller that is not trusted gets a link, one that is trusted the trace with its tracestate", async () => {
  const telemetry = telemetryFor();
  const gateway = gatewaySpans(telemetry.tracer("gateway"));
  const inbound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 vendor=a";
  const trusted = gateway.request({ ...start, inbound });
  gateway.answered(trusted, { statusCode: 200 });
  const stranger = gateway.request({ ...start, inbound, trustsInbound: false });
  gateway.replays(stranger, requestId - 1n);
  gateway.answered(stranger, { statusCode: 200 });
  expect(trusted.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01 vendor=a$/);
  expect(await telemetry.spans()).toMatchObject([
    { traceId: "0af7651916cd43dd8448eb211c80319c", traceState: "vendor=a", links: [] },
    {
      traceId: traceIdOf(requestId),
      traceState: "",
      links: [
        {
          traceId: "0af7651916cd43dd8448eb211c80319c",
          spanId: "b7ad6b7169203331",
          attributes: { "throughline.link.reason": "untrusted_parent" },
        },
        {
          traceId: traceIdOf(requestId - 1n),
          spanId: rootSpanId(requestId - 1n),
          attributes: { "throughline.link.reason": "replay" },
        },
      ],
    },
  ]);
});

// The conventions say which codes are a server's fault. A client's mistake fails no span of a service.
test.each(errorCodes)("a call that ends as %s", async (code) => {
  const telemetry = telemetryFor();
  endCall(billingSpans(telemetry.tracer("billing")).authenticate({ requestId, traceparent: "" }), code);
  const [span] = await telemetry.spans();
  const status = grpcStatusOf[code];
  const isFault = ["DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE"].includes(status);
  expect(span?.failed !== undefined).toBe(isFault);
  expect(span?.attributes).toMatchObject({
    "rpc.system.name": "grpc",
    "rpc.method": "throughline.billing.v1.BillingService/Authenticate",
    "rpc.status_code": status,
    "throughline.error_code": code,
  });
  expect(span?.attributes[attribute.errorType]).toBe(isFault ? status : undefined);
});

test("every method that a span is named after is one of the contract's", async () => {
  const telemetry = telemetryFor();
  const tracing = telemetry.tracer("any");
  const call = { requestId, traceparent: "", batchSize: 1 };
  const ids = { accountId: 1n, keyId: 2n };
  billingSpans(tracing).authenticate(call).end();
  billingSpans(tracing).reserve(call, ids).end();
  billingSpans(tracing).settle(call, 1n).end();
  historySpans(tracing).record(call, "succeeded").end();
  providerSpans(tracing).invoke(call).end();
  routingSpans(tracing).resolve(call, { model: "m", group: "g", module: "chat" }).end();
  const methods = [BillingService, HistoryService, ProviderService, RoutingService].flatMap((service) =>
    service.methods.filter(({ methodKind }) => methodKind !== "unary").map(methodName),
  );
  expect((await telemetry.spans()).map(({ name }) => name).sort()).toEqual(methods.sort());
});

test.each([
  ["dns:///billing:50051", "billing", 50051],
  ["dns://10.0.0.1/billing.throughline:50051", "billing.throughline", 50051],
  ["127.0.0.1:50051", "127.0.0.1", 50051],
  ["ipv4:127.0.0.1:50051", "127.0.0.1", 50051],
  ["dns:///[::1]:50051", "::1", 50051],
  ["unix:/run/billing.sock", "/run/billing.sock", undefined],
  ["unix:///run/billing.sock", "/run/billing.sock", undefined],
])("the target %s", (target, address, port) => {
  expect(serverOf(target)).toEqual({ "server.address": address, "server.port": port });
});
