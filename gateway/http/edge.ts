import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { formatRequestId, toParts, traceIdOf } from "../../shared/request-id.ts";
import type { GatewayContext } from "../context.ts";
import type { Incoming } from "../incoming.ts";
import { handleErrors } from "./errors.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the edge knows of the request; set by the first hook. */
    incoming: Incoming;
    /** The body as it came. */
    rawBody: Buffer;
  }
}

/** Creates the HTTP edge without its endpoints: IDs, spans, bodies, errors, the log line of every request. */
export function createEdge(context: GatewayContext): FastifyInstance {
  const edge = Fastify({
    bodyLimit: context.config.bodyLimitBytes,
    trustProxy: context.config.trustProxy,
    forceCloseConnections: "idle",
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 75_000,
    maxParamLength: 512,
    routerOptions: { ignoreTrailingSlash: true },
    ajv: {
      // A gateway passes on what it was given: nothing is coerced, defaulted or removed.
      customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false, discriminator: true },
    },
  });
  edge.decorateRequest("incoming");
  edge.decorateRequest("rawBody");
  edge.removeAllContentTypeParsers();
  edge.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    request.rawBody = body;
    try {
      done(null, JSON.parse(body.toString()));
    } catch (cause) {
      const hint = body.length === 0 ? "is empty" : "is not valid JSON";
      done(new ThroughlineError("invalid_value", `The request body ${hint}.`, { cause }));
    }
  });

  // The ID is issued before anything can fail.
  edge.addHook("onRequest", (request, reply, done) => {
    const id = context.ids.next();
    const idText = formatRequestId(id, context.config.idStyle);
    const { headers } = request;
    const givenId = clientRequestId(headers["x-request-id"]);
    const span = context.spans.request({
      requestId: id,
      traceId: traceIdOf(id),
      method: request.method,
      route: request.routeOptions.url ?? "unknown",
      inbound: context.config.trustTraceparent ? single(headers.traceparent) : undefined,
      clientRequestId: givenId || undefined,
    });
    request.incoming = {
      id,
      idText,
      span,
      arrivedMs: performance.now(),
      // To the millisecond of the ID, so that both tell one time.
      arrivedUnixUs: BigInt(toParts(id).unixMs) * 1_000n + microseconds(),
      clientRequestId: givenId,
      principal: undefined,
      dialect: undefined,
      served: undefined,
      errorCode: undefined,
      told: false,
      timeline: [],
    };
    const response = reply.raw;
    response.setHeader("x-oneapi-request-id", idText);
    response.setHeader("request-id", idText);
    response.setHeader("x-request-id", idText);
    response.setHeader("x-trace-id", span.traceId);
    response.once("close", () => finished(context, request, response.statusCode, response.writableFinished));
    done();
  });
  handleErrors(edge, context);
  return edge;
}

/** The caller, where the endpoint has authenticated it. */
export function principalOf(request: FastifyRequest): Principal {
  const { principal } = request.incoming;
  if (principal === undefined) throw new ThroughlineError("internal_error", "The endpoint did not authenticate.");
  return principal;
}

/** One log line, one count and the end of the root span for every request. */
function finished(context: GatewayContext, request: FastifyRequest, sentStatus: number, whole: boolean): void {
  const { incoming } = request;
  const { principal, served } = incoming;
  const durationMs = performance.now() - incoming.arrivedMs;
  const statusCode = whole ? sentStatus : 499;
  context.spans.answered(incoming.span, {
    ...served,
    statusCode,
    errorCode: incoming.errorCode,
    accountId: principal?.accountId,
    keyId: principal?.keyId,
  });
  if (served !== undefined) {
    const { module, model, stream, firstByteMs } = served;
    context.metrics.requestFinished({ module, model, stream, statusCode, durationMs, firstByteMs });
  }
  context.log.info(
    {
      request_id: incoming.idText,
      trace_id: incoming.span.traceId,
      method: request.method,
      route: request.routeOptions.url ?? "unknown",
      status: statusCode,
      duration_ms: Math.round(durationMs * 1_000) / 1_000,
      error_code: incoming.errorCode,
      model: served?.model,
      channel: served?.channel,
      account_id: principal?.accountId.toString(),
      key: principal?.keyPrefix,
    },
    "request",
  );
}

/** Microseconds within the current millisecond, 0 to 999. */
function microseconds(): bigint {
  const ms = performance.timeOrigin + performance.now();
  return BigInt(Math.floor((ms - Math.floor(ms)) * 1_000));
}

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

/** The client's own ID, kept when it is harmless: at most 128 visible ASCII characters. */
function clientRequestId(header: string | string[] | undefined): string {
  return typeof header === "string" && /^[\x21-\x7e]{1,128}$/.test(header) ? header : "";
}
