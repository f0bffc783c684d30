import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * How long a client that is refused before its body was read may go on sending. Its answer is there at once; a
 * connection that is cut while the client still writes can cost it that answer (RFC 9112, section 9.6).
 */
const lingerMs = 1_000;

/** Whether a request has a body of which something has not arrived yet. */
export function hasUnreadBody({ raw }: FastifyRequest): boolean {
  if (raw.complete) return false;
  const { "content-length": length, "transfer-encoding": coding } = raw.headers;
  return coding !== undefined || (length !== undefined && Number(length) > 0);
}

/**
 * Sends the whole answer of a request whose body nobody will read, then ends the connection: when the client has sent
 * all of it, and after a second at the latest. What comes meanwhile is dropped as it arrives.
 */
export function answerAndClose(request: FastifyRequest, reply: FastifyReply, text: string): void {
  const { raw: response } = reply;
  const { raw: message } = request;
  reply.hijack();
  request.incoming.closing = true;
  const body = Buffer.from(text);
  response.writeHead(reply.statusCode, {
    ...(reply.getHeaders() as Record<string, string>),
    connection: "close",
    "content-length": body.length,
  });
  if (request.method === "HEAD") response.flushHeaders();
  else response.write(body);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  message.once("end", end).once("error", end);
  response.once("close", () => clearTimeout(timer));
  message.resume();
}
