import { randomUUID } from "node:crypto";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { envelope, errorHeaders } from "../../shared/errors/envelope.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { formatRequestId, traceIdOf } from "../../shared/request-id.ts";
import type { GatewayContext } from "../context.ts";
import type { Incoming } from "../story/incoming.ts";
import { idHeaders, safetyHeaders } from "./arrival.ts";
import { keepsPace, watchPace } from "./upload-pace.ts";

/** The last request of each connection. */
export type OpenRequests = WeakMap<Socket, { readonly response: ServerResponse; readonly incoming: Incoming }>;

/** Node's codes of what a client may do wrong below the level of requests. */
const causes: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "The request's headers are too large.",
  ERR_HTTP_REQUEST_TIMEOUT: "The request did not arrive in time.",
};

/**
 * Answers what is not HTTP (a request line, headers or chunks that cannot be read, a request that never ends) with the
 * envelope and an ID, then closes the connection. What has begun to be answered is cut: more words would corrupt it. A
 * request that was there as a whole is answered first: what is wrong came after it.
 */
export function answerBrokenHttp(context: GatewayContext, open: OpenRequests) {
  /** Connections whose fault waits for an answer: until that has ended each further byte is a fault again. */
  const waiting = new WeakSet<Socket>();
  const answerAfter = (event: "finish" | "socket", response: ServerResponse, fault: Error, socket: Socket): void => {
    if (waiting.has(socket)) return;
    waiting.add(socket);
    response.once(event, () => {
      waiting.delete(socket);
      // The answer said that it was the last, so nobody reads on.
      if (socket.writable) answer(fault, socket);
    });
  };
  const answer = (fault: NodeJS.ErrnoException, socket: Socket): void => {
    const last = open.get(socket);
    const running = last === undefined || last.response.writableEnded ? undefined : last;
    // It was refused by its head: what is wrong with its body changes nothing.
    if (running?.incoming.closing === true && socket.writable) {
      running.response.end();
      return;
    }
    const isGone = fault.code === "ECONNRESET" || !socket.writable;
    if (!isGone && running?.response.req.complete === true) {
      answerAfter("finish", running.response, fault, socket);
      return;
    }
    // Its turn to be answered has not come: requests before it on the connection still run.
    if (!isGone && running?.response.socket === null) {
      answerAfter("socket", running.response, fault, socket);
      return;
    }
    if (isGone || running?.response.headersSent === true) {
      socket.destroy();
      return;
    }
    if (fault.code === "ERR_HTTP_REQUEST_TIMEOUT" && running === undefined) {
      context.refusals.count("late_head", `HEAD_TIMEOUT_MS=${context.config.headTimeoutMs}`);
      // A client that has sent nothing has no request that could be answered.
      if (socket.bytesRead === 0) return void socket.destroy();
    }
    if (
      fault.code === "ERR_HTTP_REQUEST_TIMEOUT" &&
      running !== undefined &&
      keepsPace(running.incoming, performance.now())
    ) {
      const { incoming, response } = running;
      const tooSlow = () => answer(fault, socket);
      watchPace(context, socket, { incoming, isComplete: () => response.req.complete }, tooSlow);
      return;
    }
    const message = causes[fault.code ?? ""] ?? "The request is not valid HTTP/1.1.";
    refuse(context, socket, new ThroughlineError("invalid_value", message), running?.incoming);
  };
  return answer;
}

/** Answers CONNECT: this is no proxy. */
export function answerConnect(context: GatewayContext) {
  return (_request: IncomingMessage, socket: Socket): void => {
    refuse(context, socket, new ThroughlineError("not_found", "This is no proxy: CONNECT is not served."), undefined);
  };
}

function refuse(
  context: GatewayContext,
  socket: Socket,
  error: ThroughlineError,
  known: Pick<Incoming, "idText" | "span"> | undefined,
): void {
  const { idText, traceId } =
    known === undefined ? newId(context) : { idText: known.idText, traceId: known.span.traceId };
  const body = JSON.stringify(envelope(error, idText));
  const headers: Record<string, string> = {
    ...safetyHeaders,
    ...errorHeaders(error),
    ...idHeaders(idText, traceId),
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
  context.log.info(
    { request_id: idText, trace_id: traceId, status: error.httpStatus, error_code: error.code },
    "broken request",
  );
}

function newId({ ids, config }: GatewayContext): { idText: string; traceId: string } {
  if (!ids.leaseValid()) return { idText: "", traceId: randomUUID().replaceAll("-", "") };
  const id = ids.next();
  return { idText: formatRequestId(id, config.idStyle), traceId: traceIdOf(id) };
}
