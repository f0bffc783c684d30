import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isFault } from "../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { createOrigin } from "../../shared/gen/lane_codecs.ts";
import type { Origin } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { formatRequestId, type RequestIdSource, toParts, traceIdOf } from "../../shared/request-id.ts";
import { contextOf, createPassiveTracing, type Span } from "../../shared/telemetry/index.ts";
import { gatewaySpans } from "../../shared/telemetry/spans/gateway.ts";
import type { GatewayContext } from "../context.ts";
import type { Incoming, Served } from "../story/incoming.ts";
import { traceDropped } from "../story/keep-trace.ts";
import { clientRequestId, originOf } from "./origin.ts";

/** On every answer: it may hold a secret, and is what its type says. */
export const safetyHeaders = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

/**
 * What happens to a request first: it gets its ID, its root span and the headers that say so, before anything can fail.
 *
 * Gives the error where no ID could be issued: without a valid lease of a node number there is none that is certain to be
 * unique. Such a request has the ID 0, bears no ID headers and is refused.
 */
export function receive(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
): ThroughlineError | undefined {
  const issued = issue(context.ids);
  const id = issued instanceof ThroughlineError ? 0n : issued;
  const { headers } = request;
  const givenId = clientRequestId(headers);
  const span = context.spans.request({
    requestId: id,
    traceId: id === 0n ? newTraceId() : traceIdOf(id),
    method: request.method,
    route: request.routeOptions.url ?? "unknown",
    ...inboundOf(context, request),
    clientRequestId: givenId || undefined,
    http: request,
  });
  const idText = id === 0n ? "" : formatRequestId(id, context.config.idStyle);
  request.incoming = newIncoming(id, idText, span, givenId, originOf(request, span.traceId));
  const response = reply.raw;
  setHeaders(response, safetyHeaders);
  setHeaders(response, idHeaders(idText, span.traceId));
  // Not `once`: it comes once, and what takes a listener away after it costs more than the listener.
  response.on("close", () => finished(context, request, response.statusCode, response.writableFinished));
  return issued instanceof ThroughlineError ? issued : undefined;
}

const noSpans = gatewaySpans(createPassiveTracing());

/** A call that has a request ID of its own though it came with others in one HTTP request. */
export interface ArrivedCall {
  readonly incoming: Incoming;
  /** Ends it: its log line, its count and the end of its span. */
  finished(statusCode: number): void;
}

/**
 * One call of several that came in one HTTP request: it gets an ID and a root span of its own. Throws where no ID can be issued.
 *
 * @param route what is called, e.g. "/trpc/chat.create".
 */
export function receiveCall(context: GatewayContext, request: FastifyRequest, route: string): ArrivedCall {
  const id = context.ids.next();
  const { method, incoming: outer } = request;
  const traceId = traceIdOf(id);
  const span = context.spans.request({
    ...{ requestId: id, traceId, method, route, clientRequestId: outer.clientRequestId || undefined, http: request },
    ...inboundOf(context, request),
  });
  const idText = formatRequestId(id, context.config.idStyle);
  const incoming = newIncoming(id, idText, span, outer.clientRequestId, originOf(request, span.traceId));
  incoming.principal = outer.principal;
  incoming.secretSha256 = outer.secretSha256;
  return { incoming, finished: (statusCode) => tellFinished(context, { incoming, method, route }, statusCode, true) };
}

/** A probe comes every few seconds for as long as a process lives: it takes no ID and leaves neither span nor line. */
export function receiveProbe(request: FastifyRequest, reply: FastifyReply): void {
  const { method, routeOptions } = request;
  const traceId = newTraceId();
  const route = routeOptions.url ?? "unknown";
  const span = noSpans.request({ requestId: 0n, traceId, method, route, trustsInbound: false, http: request });
  request.incoming = newIncoming(0n, "", span, "", createOrigin({}));
  setHeaders(reply.raw, safetyHeaders);
}

/** What the client says of its own trace. */
function inboundOf({ config }: GatewayContext, { headers }: FastifyRequest) {
  const { traceparent, tracestate } = headers;
  const inbound = traceparent === undefined ? undefined : contextOf(single(traceparent), single(tracestate));
  return { inbound, trustsInbound: config.trustTraceparent };
}

function newIncoming(id: bigint, idText: string, span: Span, clientRequestId: string, origin: Origin): Incoming {
  return {
    id,
    idText,
    span,
    arrivedMs: performance.now(),
    // To the millisecond of the ID, so that both tell one time.
    arrivedUnixUs: BigInt(id === 0n ? Date.now() : toParts(id).unixMs) * 1_000n + microseconds(),
    clientRequestId,
    origin,
    secretSha256: "",
    principal: undefined,
    bodyBytes: 0,
    formBytes: 0,
    endpoint: undefined,
    served: undefined,
    errorCode: undefined,
    closing: false,
    traceDropped: undefined,
    told: false,
    timeline: [],
  };
}

function newTraceId(): string {
  return randomUUID().replaceAll("-", "");
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) response.setHeader(name, headers[name] ?? "");
}

/** The headers that name a request on every answer. */
export function idHeaders(idText: string, traceId: string): Record<string, string> {
  const trace = { "x-trace-id": traceId };
  if (idText === "") return trace;
  return { "x-oneapi-request-id": idText, "request-id": idText, "x-request-id": idText, ...trace };
}

function issue(ids: RequestIdSource): bigint | ThroughlineError {
  try {
    return ids.next();
  } catch (error) {
    return ThroughlineError.from(error);
  }
}

/** One log line, one count and the end of the root span for every request. */
function finished(context: GatewayContext, request: FastifyRequest, sentStatus: number, whole: boolean): void {
  const { incoming, method } = request;
  context.bodies.give(incoming.bodyBytes);
  const route = request.routeOptions.url ?? "unknown";
  tellFinished(context, { incoming, method, route }, sentStatus, whole);
}

function tellFinished(
  context: GatewayContext,
  { incoming, method, route }: { incoming: Incoming; method: string; route: string },
  sentStatus: number,
  whole: boolean,
): void {
  const { principal, served } = incoming;
  const durationMs = performance.now() - incoming.arrivedMs;
  // An answer that we cut because it failed was not left by its client.
  const errorCode = incoming.errorCode ?? (whole ? undefined : "client_closed_request");
  const statusCode = whole || incoming.errorCode !== undefined ? sentStatus : 499;
  const dropped = traceDropped(context.config, incoming, errorCode);
  // Most are not recorded, and what such a span would be told costs more than the span.
  if (incoming.span.recording) {
    context.spans.answered(incoming.span, {
      ...served,
      traceDropped: dropped,
      statusCode,
      errorCode,
      accountId: principal?.accountId,
      keyId: principal?.keyId,
    });
  }
  if (incoming.endpoint !== undefined) {
    const { module, model, stream, firstByteMs } = served ?? untold(context, moduleNameOf(incoming.endpoint.module));
    const outcome = errorCode ?? "success";
    const traceId = incoming.traceDropped === false ? incoming.span.traceId : undefined;
    context.metrics.requestFinished({
      module,
      model,
      stream,
      statusCode,
      outcome,
      durationMs,
      firstByteMs,
      traceId,
      accountId: principal?.accountId,
      keyId: principal?.keyId,
    });
  }
  const own = {
    request_id: incoming.idText,
    trace_id: incoming.span.traceId,
    duration_ms: Math.round(durationMs * 1_000) / 1_000,
  };
  context.requestLine(isFault(errorCode) ? "warn" : "info", own, {
    method,
    route,
    status: statusCode,
    error_code: errorCode,
    model: served?.model,
    channel: served?.channel,
    account_id: principal?.accountId.toString(),
    key: principal?.keyPrefix,
  });
}

/** What is known of a request that was refused before its story began; none of it was counted as running. */
function untold(
  { metrics }: GatewayContext,
  module: string,
): Pick<Served, "module" | "model" | "stream" | "firstByteMs"> {
  metrics.requestStarted(module);
  return { module, model: "", stream: false };
}

/** Microseconds within the current millisecond, 0 to 999. */
function microseconds(): bigint {
  const ms = performance.timeOrigin + performance.now();
  return BigInt(Math.floor((ms - Math.floor(ms)) * 1_000));
}

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
