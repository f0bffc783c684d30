import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { KeepRequestRequest } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { HistoryContext } from "../context.ts";
import { storeInPartitions } from "../db/partitions.ts";
import { packPayload } from "../db/payload.ts";
import { storeRequest } from "../db/requests.ts";
import { keepAnswer } from "../domain/answer.ts";

const maxBytes = 8 * 1024 * 1024;
const maxId = (1n << 63n) - 1n;
const full = 1;
const nothing = new Uint8Array();

/** Keeps what a request said, bounded as answers are: media are replaced by their digests, and what is longer is cut and marked. */
export async function keepRequest(
  { db, tables, maxResponseBytes }: HistoryContext,
  { requestId, accountId, content }: KeepRequestRequest,
): Promise<Record<string, never>> {
  if (requestId < 1n || requestId > maxId || accountId < 1n) {
    throw new ThroughlineError("invalid_value", "A request has an ID and an account.", { param: "request_id" });
  }
  if (content.length === 0 || content.length > maxBytes) {
    throw new ThroughlineError("invalid_value", "content must have 1 byte to 8 MiB.", { param: "content" });
  }
  const said = { response: content, responseTruncated: false, storeResponse: full };
  const { response, truncated } = await keepAnswer(said, maxResponseBytes, { repaired: false });
  const fields = { detail: nothing, customResponseJson: "", messageId: "", upstreamRequestId: "", input: nothing };
  const { body, bytes } = await packPayload({ ...fields, response });
  const row = { requestId, accountId, bytes, truncated, body };
  await storeInPartitions({ db, tables }, [requestId], () => storeRequest(db, row));
  return {};
}
