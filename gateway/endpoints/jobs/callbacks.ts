import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GatewayContext } from "../../context.ts";

/** Most callbacks that are passed on at a time; what comes beyond is dropped: the job is asked after in any case. */
const atOnce = 32;
const timeoutMs = 5_000;

/**
 * POST /callbacks/{token}: a vendor says that something happened to a job. It needs no key, its body is not read, and its answer is
 * 204 whatever the token is: who guesses learns nothing.
 */
export function callbacks(edge: FastifyInstance, { jobs, log }: GatewayContext): void {
  let running = 0;
  void edge.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    scope.post<{ Params: { token: string } }>(
      "/callbacks/:token",
      { config: { probe: true, bodyless: true } },
      async ({ params: { token } }, reply) => {
        if (running < atOnce) {
          running++;
          jobs
            .wakeJob({ token }, { requestId: 0n, timeoutMs })
            .catch((thrown: unknown) =>
              log.debug({ code: ThroughlineError.from(thrown).code }, "a callback was dropped"),
            )
            .finally(() => {
              running--;
            });
        }
        return reply.code(204).header("connection", "close").send();
      },
    );
    done();
  });
}
