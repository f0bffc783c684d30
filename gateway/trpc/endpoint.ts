import { fastifyRequestHandler } from "@trpc/server/adapters/fastify";
import type { FastifyError, FastifyInstance } from "fastify";
import { errorHeaders, publicError } from "../../shared/errors/envelope.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GatewayContext } from "../context.ts";
import { everyKind, principalOf, takeFree } from "../edge/admission.ts";
import { sendRefusal, toError } from "../edge/errors.ts";
import { errorData, platformError } from "./errors.ts";
import { createTrpcContext } from "./procedures.ts";
import { appRouter } from "./router.ts";

/** JSON-RPC's code for a failure of the server: tRPC's clients want one; what happened is in `data.code`. */
const rpcFailure = -32_603;

/**
 * Most calls of one request. Their answers are in memory together, and one may be 12 MB of records: the 1,200 calls that
 * a path has room for would end the process.
 */
const maxBatchSize = 20;

/** Largest body: a channel with 1,000 models and the longest names has 0.6 MB. */
const bodyLimitBytes = 1024 * 1024;

/** /trpc: administration and records for typed clients, JSON over HTTP, subscriptions over server-sent events. */
export function trpc(edge: FastifyInstance, context: GatewayContext): void {
  edge.register((scope, _options, done) => {
    const stop = new AbortController();
    scope.addHook("preClose", async () => stop.abort());
    // tRPC reads its bodies itself.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, parsed) =>
      parsed(null, body),
    );
    // What fails before tRPC has the request is told in its form, or its clients could not read it.
    scope.setErrorHandler<FastifyError>((thrown, request, reply) => {
      const error = toError(thrown, request.routeOptions.bodyLimit);
      const data = errorData(error, request.incoming.idText, undefined);
      request.incoming.errorCode = error.code;
      reply.code(error.httpStatus).headers(errorHeaders(error)).type("application/json; charset=utf-8");
      const told = { error: { code: rpcFailure, message: publicError(error).message, data } };
      return sendRefusal(request, reply, JSON.stringify(told));
    });

    scope.route<{ Params: { "*": string } }>({
      method: ["GET", "POST"],
      url: "/trpc/*",
      bodyLimit: bodyLimitBytes,
      // Which key may call what is for the procedures to say; that it is one is asked before a body is read.
      config: { admission: { kinds: everyKind, freeRequests: 1, fresh: true } },
      async handler(request, reply) {
        const { incoming } = request;
        const calls = request.params["*"].split(",").length;
        if (calls > maxBatchSize) {
          throw new ThroughlineError("invalid_value", `A batch may have at most ${maxBatchSize} calls.`);
        }
        takeFree(context, principalOf(request), calls - 1);
        await fastifyRequestHandler({
          router: appRouter,
          req: request,
          res: reply,
          path: request.params["*"],
          createContext: () => createTrpcContext(context, request, stop.signal),
          onError: ({ error }) => {
            const platform = platformError(error);
            incoming.errorCode = platform.code;
            if (platform.code !== "internal_error") return;
            const { idText, span } = incoming;
            context.log.error(
              { err: error.cause ?? error, request_id: idText, trace_id: span.traceId },
              "request failed",
            );
          },
          responseMeta: ({ errors, info }) => {
            const [error] = errors;
            // Of several calls in one request each has its own outcome: tRPC answers 207.
            if (error === undefined || (info?.calls.length ?? 1) > 1) return {};
            const platform = platformError(error);
            return { status: platform.httpStatus, headers: new Headers(errorHeaders(platform)) };
          },
        });
      },
    });
    done();
  });
}
