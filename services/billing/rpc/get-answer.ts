import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  GetAnswerRequest,
  GetAnswerResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { findAnswer } from "../db/answers.ts";
import { checkedId, checkedRequestId } from "../wire/values.ts";

/** Reads a stored answer of the account that asks; another's is as good as none. */
export function getAnswer({ db }: BillingContext) {
  return async (request: GetAnswerRequest): Promise<MessageInitShape<typeof GetAnswerResponseSchema>> => {
    const accountId = checkedId(request.accountId, "account_id");
    const row = await findAnswer(db, checkedRequestId(request.requestId), accountId);
    if (row === undefined) throw new ThroughlineError("not_found", "No answer of this request is stored (any more).");
    return { httpStatus: row.http_status, contentType: row.content_type, body: row.body };
  };
}
