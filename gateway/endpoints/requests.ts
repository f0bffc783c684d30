import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { StoredRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { formatRequestId } from "../../shared/request-id.ts";
import type { GatewayConfig } from "../config.ts";
import type { GatewayContext } from "../context.ts";
import { principalOf, publicKinds } from "../edge/admission.ts";
import type { Incoming } from "../story/incoming.ts";
import { recordOf } from "../view/history-item.ts";
import { jobLifeOut } from "../view/job-life.ts";
import { requestLife } from "../view/request-life.ts";
import { askAgainMs, findRequest, unknownRequest } from "./find-request.ts";
import { ownerOf } from "./history-query.ts";

/** GET /v1/requests/{id}: the life of one request, for its owner; `id` in any of the forms that findRequest takes. */
export function requests(edge: FastifyInstance, context: GatewayContext): void {
  edge.get<{ Params: { id: string } }>(
    "/v1/requests/:id",
    { config: { admission: { kinds: publicKinds, scope: "history.read", freeRequests: 1, fresh: true } } },
    async (request, reply) => {
      const owner = ownerOf(principalOf(request), undefined);
      const { incoming } = request;
      const found = await findRequest(context, incoming, owner, request.params.id);
      if (found.kind === "unknown") throw unknownRequest();
      if (found.kind === "on_its_way") {
        return reply
          .code(202)
          .header("retry-after", askAgainMs / 1_000)
          .send(onItsWay(found.requestId, context.config));
      }
      const { record, others } = found;
      const { idStyle } = context.config;
      return {
        ...requestLife(record, context.config),
        job: await jobLifeOf(context, incoming, record),
        /** Other requests that the ID leads to, newest first. */
        others: others.map((id) => formatRequestId(id, idStyle)),
      };
    },
  );
}

/** What is said of a request whose record may be on its way. */
function onItsWay(requestId: bigint, { idStyle }: Pick<GatewayConfig, "idStyle">) {
  return {
    object: "request",
    id: formatRequestId(requestId, idStyle),
    on_its_way: true,
    message: "If this request was made, its record is on its way; ask again.",
    retry_after_ms: askAgainMs,
  };
}

/** Time that jobs has to tell of a request: it may be away, and most requests have no job. */
const jobTimeoutMs = 1_000;

/** What happened to the job of a request; null: it has none that is kept, or the service of jobs is away. */
export async function jobLifeOf(
  { jobs, config, log }: Pick<GatewayContext, "jobs" | "config" | "log">,
  { id, span }: Incoming,
  stored: StoredRecord,
) {
  const { accountId, requestId } = recordOf(stored);
  const options = { requestId: id, traceparent: span.traceparent, timeoutMs: jobTimeoutMs };
  try {
    return jobLifeOut(requestId, await jobs.getJobLife({ accountId, requestId }, options), config.idStyle);
  } catch (thrown) {
    const { code } = ThroughlineError.from(thrown);
    if (code !== "not_found")
      log.debug({ code, request_id: requestId.toString() }, "jobs could not be asked of a request");
    return null;
  }
}
