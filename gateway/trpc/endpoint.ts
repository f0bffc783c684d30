import { fastifyRequestHandler } from "@trpc/server/adapters/fastify";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { errorHeaders, publicError } from "../../shared/errors/envelope.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { printable } from "../answers/head.ts";
import type { GatewayContext } from "../context.ts";
import { tooHeavy } from "../domain/client-json.ts";
import { faultsOf } from "../domain/json-names.ts";
import { everyKind, principalOf, takeFree } from "../edge/admission.ts";
import { sendRefusal, toError } from "../edge/errors.ts";
import { recordUntold } from "../edge/refusals.ts";
import { admissionOf } from "../endpoints/endpoint.ts";
import { createDocuments, type Documents } from "./documents.ts";
import { errorData, platformError, rpcCode } from "./errors.ts";
import { createTrpcContext } from "./procedures.ts";
import { appRouter } from "./router.ts";
import type { Work } from "./work.ts";

/**
 * Most calls of one request. Their answers are in memory together, and one may be 12 MB of records: the 1,200 calls that
 * a path has room for would end the process.
 */
const maxBatchSize = 20;

/** Largest body: a channel with 1,000 models and the longest names has 0.6 MB. */
const bodyLimitBytes = 1024 * 1024;

/** The endpoints whose work procedures do, by their paths. */
const paid: ReadonlyMap<string, Work["endpoint"]> = paidOf(appRouter._def.procedures);

/** Whether the procedure of a path costs money. */
function isPaid(path: string): boolean {
  return paid.has(path);
}

function paidOf(procedures: object): ReadonlyMap<string, Work["endpoint"]> {
  const found = new Map<string, Work["endpoint"]>();
  // At run time tRPC has all procedures in one record, whatever its type says.
  for (const [path, one] of Object.entries(
    procedures as Record<string, { _def: { meta?: { endpoint?: Work["endpoint"] } } }>,
  )) {
    const { meta } = one._def;
    if (meta?.endpoint !== undefined) found.set(path, meta.endpoint);
  }
  return found;
}

/** /trpc: models, administration and records for typed clients, JSON over HTTP, subscriptions over server-sent events. */
export function trpc(edge: FastifyInstance, context: GatewayContext): void {
  void edge.register((scope, _options, done) => {
    const stop = new AbortController();
    scope.addHook("preClose", async () => stop.abort());
    // tRPC reads its bodies itself.
    scope.removeAllContentTypeParsers();
    // tRPC's clients send no body where a call has no input, which tRPC itself takes for broken JSON.
    scope.addContentTypeParser<string>("application/json", { parseAs: "string" }, (_request, body, parsed) => {
      const { heavy } = faultsOf(body);
      if (heavy === undefined) parsed(null, body === "" ? "{}" : body);
      else parsed(new ThroughlineError("invalid_value", `The request body ${tooHeavy[heavy]}`));
    });
    // A failure before tRPC has the request is told in tRPC's form, so that its clients can read it.
    scope.setErrorHandler<FastifyError>((thrown, request, reply) => {
      const error = toError(thrown, request.routeOptions.bodyLimit);
      const data = errorData(error, request.incoming.idText, undefined);
      request.incoming.errorCode = error.code;
      recordUntold(context, request, error);
      reply.code(error.httpStatus).headers(errorHeaders(error)).type("application/json; charset=utf-8");
      const path = (request.url.split("?")[0] ?? "").slice("/trpc/".length);
      const told = { error: { code: rpcCode(error, isPaid(path)), message: publicError(error).message, data } };
      return sendRefusal(request, reply, JSON.stringify(told));
    });

    const written = new WeakMap<FastifyRequest, Documents>();
    scope.addHook("onSend", async (request, reply, payload) => {
      const documents = payload instanceof Response ? written.get(request) : undefined;
      return (await documents?.fill(payload as Response, reply, context.pacing.pace())) ?? payload;
    });
    routes(scope, { ...context, written }, stop.signal);
    done();
  });
}

/** The gateway, and the documents of requests that are being answered. */
type TrpcGateway = GatewayContext & { readonly written: WeakMap<FastifyRequest, Documents> };

function routes(scope: FastifyInstance, context: TrpcGateway, stopping: AbortSignal): void {
  // A procedure that costs money has a route of its own: its bodies may be as long as over HTTP, and its key is checked in the same way.
  for (const [path, endpoint] of paid) {
    scope.route({
      method: ["GET", "POST"],
      url: `/trpc/${path}`,
      bodyLimit: context.config.bodyLimitBytes,
      config: { admission: admissionOf(endpoint) },
      handler: (request, reply) => answer(context, stopping, path, request, reply),
    });
  }
  scope.route<{ Params: { "*": string } }>({
    method: ["GET", "POST"],
    url: "/trpc/*",
    bodyLimit: bodyLimitBytes,
    // The procedures say which key may call them. That the key is valid is checked before a body is read.
    config: { admission: { kinds: everyKind, freeRequests: 1, fresh: true } },
    handler(request, reply) {
      const path = request.params["*"];
      const calls = path.split(",").length;
      if (calls > maxBatchSize) {
        throw new ThroughlineError("invalid_value", `A batch may have at most ${maxBatchSize} calls.`);
      }
      takeFree(context, principalOf(request), calls - 1);
      return answer(context, stopping, path, request, reply);
    },
  });
}

/** Lets tRPC answer one request, which may bear several calls. */
async function answer(
  context: TrpcGateway,
  stopping: AbortSignal,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { incoming } = request;
  const documents = createDocuments({ plain: request.headers["trpc-accept"] === "application/jsonl" });
  context.written.set(request, documents);
  const made = createTrpcContext(context, { request, reply, batched: path.includes(","), isPaid, documents }, stopping);
  await fastifyRequestHandler({
    router: appRouter,
    req: request,
    res: reply,
    path,
    // The input of a query or a subscription may be longer than an address can be, so it may come as the body of a POST.
    allowMethodOverride: true,
    createContext: () => made,
    onError: ({ error }) => {
      const platform = platformError(error);
      incoming.errorCode = platform.code;
      if (platform.code !== "internal_error") return;
      const { idText, span } = incoming;
      context.log.error({ err: error.cause ?? error, request_id: idText, trace_id: span.traceId }, "request failed");
    },
    responseMeta: ({ errors, info }) => {
      const [error] = errors;
      // Where one request has several calls, each has its own outcome and tRPC answers 207.
      if (error === undefined || (info?.calls.length ?? 1) > 1) return {};
      const platform = platformError(error);
      const headers = new Headers(errorHeaders(platform));
      if (platform.upstreamRequestId) headers.set("x-upstream-request-id", printable(platform.upstreamRequestId));
      return { status: platform.httpStatus, headers };
    },
  });
}
