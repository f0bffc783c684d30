import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { envelope, errorHeaders } from "../../shared/errors/envelope.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { googleError } from "../answers/google-errors.ts";
import { printable } from "../answers/head.ts";
import type { GatewayContext } from "../context.ts";
import { recordUntold } from "./refusals.ts";
import { answerAndClose, hasUnreadBody } from "./unread-body.ts";
import { validationError } from "./validation.ts";

/** Gives every non-2xx answer of the edge the one envelope: unknown paths, bad bodies, thrown bugs and broken HTTP too. */
export function handleErrors(edge: FastifyInstance, context: GatewayContext): void {
  edge.setNotFoundHandler((request, reply) => sendError(request, reply, unknownPath(edge, request)));
  edge.setErrorHandler<FastifyError>((thrown, request, reply) => failRequest(context, request, reply, thrown));
}

/** There is no such path, or it takes another method. OPTIONS too: keys do not belong into browsers, so there is no CORS. */
export function unknownPath(edge: FastifyInstance, request: FastifyRequest): ThroughlineError {
  const url = request.url.split("?")[0] ?? "";
  const known = ["GET", "POST"].find((method) => edge.hasRoute({ method, url }));
  const hint = known === undefined ? "There is no such path." : `This path takes ${known}, not ${request.method}.`;
  return new ThroughlineError("not_found", hint);
}

/** Answers whatever was thrown, and records it where a story would have. */
export function failRequest(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: FastifyError,
): FastifyReply {
  const error = leftEarly(request)
    ? new ThroughlineError("client_closed_request", "The client left before its request had arrived.", {
        cause: thrown,
      })
    : toError(thrown, request.routeOptions.bodyLimit);
  // Every other failure is on the request's own line; only a bug of ours needs its stack.
  if (error.code === "internal_error") {
    context.log.error(
      { err: thrown, request_id: request.incoming.idText, trace_id: request.incoming.span.traceId },
      "request failed",
    );
  }
  recordUntold(context, request, error);
  return sendError(request, reply, error);
}

/** The connection broke while the body was on its way: a socket's fault, but the client's and no part of the platform's. */
function leftEarly({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete;
}

/** Sends an error that nothing was sent before. */
export function sendError(request: FastifyRequest, reply: FastifyReply, error: ThroughlineError): FastifyReply {
  const { idText } = request.incoming;
  request.incoming.errorCode = error.code;
  const headers = errorHeaders(error);
  for (const name in headers) reply.header(name, headers[name]);
  if (error.upstreamRequestId) reply.header("x-upstream-request-id", printable(error.upstreamRequestId));
  reply.code(error.httpStatus).type("application/json; charset=utf-8");
  const shape = isGoogles(request) ? googleError : envelope;
  return sendRefusal(request, reply, JSON.stringify(shape(error, idText)));
}

/** Whether a request goes to one of Google's paths, whose clients read errors in Google's shape. */
function isGoogles({ url }: FastifyRequest): boolean {
  return url.startsWith("/v1beta/");
}

/** Sends the text of a refusal. A stranger's connection is closed, and every other of which a body is left unread. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  if (hasUnreadBody(request)) {
    answerAndClose(request, reply, text);
    return reply;
  }
  const isStranger = request.incoming.principal === undefined && [401, 429].includes(reply.statusCode);
  if (isStranger) reply.header("connection", "close");
  return reply.send(text);
}

/**
 * Fastify's own failures in the catalogue's words; anything unknown is an internal error that says nothing more.
 *
 * @param bodyLimitBytes largest body of the route.
 */
export function toError(thrown: FastifyError, bodyLimitBytes: number): ThroughlineError {
  if (thrown.validation !== undefined) return validationError(thrown.validation);
  switch (thrown.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new ThroughlineError("request_too_large", `The request body exceeds ${sizeText(bodyLimitBytes)}.`);
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new ThroughlineError("invalid_value", "The body must be sent as 'Content-Type: application/json'.", {
        param: "Content-Type",
      });
    case "FST_ERR_MAX_PARAM_LENGTH":
      return new ThroughlineError("not_found", "There is no such path.");
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
    case "FST_ERR_BAD_URL":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new ThroughlineError("invalid_value", "The request is malformed.");
    default:
      return ThroughlineError.from(thrown);
  }
}

function sizeText(bytes: number): string {
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib} kB` : `${kib / 1024} MB`;
}
