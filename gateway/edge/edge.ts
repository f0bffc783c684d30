import type { IncomingMessage } from "node:http";
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HookHandlerDoneFunction,
} from "fastify";
import type { GatewayContext } from "../context.ts";
import { type Admission, admit } from "./admission.ts";
import { receive, receiveProbe } from "./arrival.ts";
import { answerBrokenHttp, answerConnect, type OpenRequests } from "./broken-http.ts";
import { createCors } from "./cors.ts";
import { failRequest, handleErrors, unknownPath } from "./errors.ts";
import { framingFault } from "./framing.ts";
import { readJson } from "./read-json.ts";
import { hasUnreadBody } from "./unread-body.ts";
import { routedUrl } from "./vendor-paths.ts";

/** Largest body of a route that says nothing else. The list of IDs of a deletion is the longest, with 25 kB. */
const smallBodyBytes = 64 * 1024;

/** Longest time of a timer of Node. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Creates the HTTP edge without its endpoints: IDs, spans, bodies, errors, the log line of every request. While `isLeaving`
 * each answer tells its client that this connection takes no further request.
 */
export function createEdge(context: GatewayContext, isLeaving: () => boolean): FastifyInstance {
  const open: OpenRequests = new WeakMap();
  const { headTimeoutMs } = context.config;
  const edge = Fastify({
    bodyLimit: smallBodyBytes,
    // One hop: the last address, which the proxy has seen. Those before it are what the client says of itself, and an
    // address decides whether a key may be used.
    trustProxy: context.config.trustProxy && ((_address, hop) => hop === 0),
    forceCloseConnections: "idle",
    // A request over a connection that is kept alive is still answered, not refused: the client may have no other connection.
    return503OnClosing: false,
    requestTimeout: context.config.receiveTimeoutMs,
    // No request runs that long in silence: what is left is a client that does not read its answer.
    connectionTimeout: Math.min(longestTimerMs, context.config.requestTimeoutMs + context.config.unreadMs),
    keepAliveTimeout: 75_000,
    rewriteUrl: ({ method = "", url = "/", headers }) => routedUrl(method, url, headers),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    // Node would answer a missing Host by itself, without ID and envelope.
    http: { requireHostHeader: false, headersTimeout: headTimeoutMs, connectionsCheckingInterval: headTimeoutMs / 10 },
    clientErrorHandler: answerBrokenHttp(context, open),
    // An address that cannot be read never reaches a hook.
    frameworkErrors(error, request, reply) {
      receive(context, request, reply);
      failRequest(context, request, reply, error);
    },
    ajv: {
      // A gateway passes on what it was given: nothing is coerced, defaulted or removed.
      customOptions: {
        coerceTypes: false,
        useDefaults: false,
        removeAdditional: false,
        discriminator: true,
        code: { optimize: false },
      },
    },
  });
  edge.decorateRequest("incoming");
  edge.decorateRequest("rawBody");
  readJson(edge, context);
  edge.server.on("connect", answerConnect(context));
  // Only 100-continue is an expectation; others are passed over as RFC 9110 allows, where Node would send a bare 417.
  edge.server.on("checkExpectation", (request, response) => edge.server.emit("request", request, response));
  // A client that asks before it sends its body is told to go on when it was admitted, not before.
  const asking = new WeakSet<IncomingMessage>();
  edge.server.on("checkContinue", (request, response) => {
    asking.add(request);
    edge.server.emit("request", request, response);
  });
  const cors = createCors(context.config.corsOrigins);

  const arrive = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const { admission, probe } = request.routeOptions.config;
    const fault = framingFault(request.raw);
    const plain = probe === true && fault === undefined;
    const refused = plain ? receiveProbe(request, reply) : receive(context, request, reply);
    open.set(request.raw.socket, { response: reply.raw, incoming: request.incoming });
    if (isLeaving()) reply.raw.setHeader("connection", "close");
    // Two readers of an ambiguous head may see two different requests, so neither knows where the next one begins.
    if (fault !== undefined) reply.header("connection", "close");
    cors.allow(request, reply.raw);
    // All of this before the body is read.
    if (fault !== undefined || refused !== undefined) done(refused ?? fault);
    else if (cors.preflight(request, reply)) return;
    else if (request.is404) done(unknownPath(edge, request));
    else if (admission === undefined) done();
    else admitFirst(request, reply, admission, done);
  };
  const admitFirst = (
    request: FastifyRequest,
    reply: FastifyReply,
    admission: Admission,
    done: HookHandlerDoneFunction,
  ): void => {
    const goOn = (): void => {
      if (asking.delete(request.raw)) reply.raw.writeContinue();
      done();
    };
    let admitted: Promise<void> | undefined;
    try {
      admitted = admit(context, request, admission);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (admitted === undefined) goOn();
    else admitted.then(goOn, done);
  };
  edge.addHook("onRequest", (request, reply, done) => {
    if (context.ids.leaseValid() || request.routeOptions.config.probe === true) return arrive(request, reply, done);
    // The clock of a machine that resumed is ahead of the lease: it is renewed now, and not at the next look.
    void context.ids.renewed().then(() => {
      if (!request.raw.socket.destroyed) arrive(request, reply, done);
    });
  });
  // An answer that did not wait for the body ends the connection, which would otherwise stay open for what never comes.
  edge.addHook("onSend", (request, reply, _payload, done) => {
    if (hasUnreadBody(request)) reply.header("connection", "close");
    done();
  });
  edge.addHook("onRoute", ({ url, config }) => {
    if (config?.admission === undefined && config?.probe !== true)
      throw new TypeError(`${url} does not say who may call it`);
  });
  handleErrors(edge, context);
  return edge;
}
