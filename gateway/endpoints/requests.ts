import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GetRecordResponse, StoredRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { GatewayContext } from "../context.ts";
import { principalOf, publicKinds } from "../edge/admission.ts";
import type { Incoming } from "../story/incoming.ts";
import { recordOf } from "../view/history-item.ts";
import { jobLifeOut } from "../view/job-life.ts";
import { requestLife } from "../view/request-life.ts";
import { requestOf } from "./chat/message-id.ts";
import { type Owner, ownerOf } from "./history-query.ts";

/** GET /v1/requests/{id}: the life of one request, for its owner; `id` in any of the forms that findRequest takes. */
export function requests(edge: FastifyInstance, context: GatewayContext): void {
  edge.get<{ Params: { id: string } }>(
    "/v1/requests/:id",
    { config: { admission: { kinds: publicKinds, scope: "history.read", freeRequests: 1, fresh: true } } },
    async (request) => {
      const owner = ownerOf(principalOf(request), undefined);
      const { record } = await findRequest(context, request.incoming, owner, request.params.id);
      if (record === undefined) throw unknownRequest();
      return { ...requestLife(record, context.config), job: await jobLifeOf(context, request.incoming, record) };
    },
  );
}

/**
 * The record that a text names: a request ID in either spelling, the ID of a message, or the request ID of an upstream.
 * Throws not_found, in the same words for what is unknown, malformed or another owner's.
 */
export async function findRequest(
  context: Pick<GatewayContext, "history" | "config">,
  incoming: Incoming,
  owner: Owner,
  text: string,
): Promise<GetRecordResponse> {
  const options = {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.callTimeoutMs,
  };
  const requestId = requestOf(text);
  // An upstream's ID may look like one of ours: where ours is not there it is looked for among theirs.
  const asked = requestId === undefined ? [] : [{ owner, requestId }];
  for (const one of [...asked, { owner, upstreamRequestId: text }]) {
    try {
      return await context.history.getRecord(one, options);
    } catch (error) {
      if (ThroughlineError.from(error).code !== "not_found") throw error;
    }
  }
  throw unknownRequest();
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

function unknownRequest(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such request.");
}
