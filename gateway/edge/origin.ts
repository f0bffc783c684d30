import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import { createOrigin } from "../../shared/gen/lane_codecs.ts";
import type { Origin } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { callerAddress } from "./caller-address.ts";

const maxPathLength = 512;
const maxAgentLength = 256;
const ownIdForm = /^[\x21-\x7e]{1,128}$/;
/** A traceparent with its trace ID; whether its other parts are in order is for who trusts it. */
const traceparentForm = /^[0-9a-f]{2}-([0-9a-f]{32})-/;

/** The client's own ID of a request, kept when it is harmless: at most 128 visible ASCII characters. Empty: none. */
export function clientRequestId(headers: IncomingHttpHeaders): string {
  return harmless(headers["x-request-id"]) || harmless(headers["x-client-request-id"]);
}

function harmless(header: string | string[] | undefined): string {
  return typeof header === "string" && ownIdForm.test(header) ? header : "";
}

/** Where a request came from, as its head says it. @param traceId the trace that its spans are in. */
export function originOf(request: Pick<FastifyRequest, "headers" | "originalUrl" | "ip">, traceId: string): Origin {
  const { headers, originalUrl } = request;
  const origin = createOrigin({});
  origin.path = pathOf(originalUrl);
  origin.userAgent = (headers["user-agent"] ?? "").slice(0, maxAgentLength);
  origin.address = callerAddress(request);
  const length = headers["content-length"];
  if (length !== undefined) origin.requestBytes = BigInt(length);
  const { traceparent } = headers;
  if (typeof traceparent === "string") {
    const given = traceparentForm.exec(traceparent)?.[1] ?? "";
    if (given !== traceId) origin.clientTraceId = given;
  }
  const second = headers["x-client-request-id"];
  if (second !== undefined && harmless(headers["x-request-id"]) !== "") origin.secondClientRequestId = harmless(second);
  return origin;
}

/** The path alone: a query may bear a secret, as that of Gemini's clients does. */
function pathOf(url: string): string {
  const end = url.indexOf("?");
  return url.slice(0, Math.min(end === -1 ? url.length : end, maxPathLength));
}
