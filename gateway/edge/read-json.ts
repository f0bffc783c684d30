import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { GatewayContext } from "../context.ts";
import { givenTwice, readClientJson } from "../domain/client-json.ts";
import { codingOf, unpack } from "./unpack.ts";

type Done = (error: Error | null, parsed?: unknown) => void;

/** JSON alone. Its bytes are kept as they came, unpacked and without a byte order mark: so they travel on. */
export function readJson(edge: FastifyInstance, context: GatewayContext): void {
  edge.removeAllContentTypeParsers();
  edge.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const { incoming } = request;
    keepRoom(context, request, body.length);
    let coding: string | undefined;
    try {
      coding = codingOf(request.headers["content-encoding"]);
    } catch (error) {
      return done(error as ThroughlineError);
    }
    if (coding === undefined) return parse(request, body, done);
    const maxBytes = request.routeOptions.bodyLimit;
    unpack(body, coding, maxBytes, context.bodies).then(
      (unpacked) => {
        // The packed body is not needed any more.
        context.bodies.give(incoming.bodyBytes);
        incoming.bodyBytes = unpacked.length;
        parse(request, unpacked, done);
      },
      (error: Error) => done(error),
    );
  });
}

/** Gives back what was reserved for the body before it came, beyond the body's own size. */
function keepRoom({ bodies }: GatewayContext, { incoming }: FastifyRequest, bytes: number): void {
  bodies.give(incoming.bodyBytes - bytes);
  incoming.bodyBytes = bytes;
}

/** Gives `done` the body, or why it is none. */
function parse(request: FastifyRequest, given: Buffer, done: Done): void {
  request.rawBody = withoutMark(given);
  if (request.rawBody.length === 0 && isBodyless(request)) {
    done(null, undefined);
    return;
  }
  let value: unknown;
  try {
    value = parsed(request.rawBody);
  } catch (error) {
    done(error as ThroughlineError);
    return;
  }
  done(null, value);
}

/** OpenAI's client for Python calls an empty body JSON, of its DELETE as well. */
function isBodyless({ method, routeOptions }: FastifyRequest): boolean {
  return method === "DELETE" || routeOptions.config.bodyless === true;
}

function parsed(body: Buffer): unknown {
  const { value, twice } = readClientJson(body, "The request body");
  if (twice !== undefined) throw givenTwice(twice);
  return value;
}

/** The byte order mark of UTF-8, with which some libraries begin a text: it is no part of JSON (RFC 8259, section 8.1). */
function withoutMark(body: Buffer): Buffer {
  const isMarked = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return isMarked ? body.subarray(3) : body;
}
