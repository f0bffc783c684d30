import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  StoreAnswerRequest,
  StoreAnswerResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { forgetAnswer, storeAnswer as store } from "../db/answers.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedRequestId, checkedText } from "../wire/values.ts";

/** Stores the answer of a request that bore an Idempotency-Key, or forgets the key so that a repeat runs anew. */
export function storeAnswer({ db }: BillingContext) {
  return async (request: StoreAnswerRequest): Promise<MessageInitShape<typeof StoreAnswerResponseSchema>> => {
    const requestId = checkedRequestId(request.requestId);
    if (request.forget) {
      await forgetAnswer(db, requestId);
      return {};
    }
    const { httpStatus, body, begun } = request;
    if (httpStatus < 200 || httpStatus > 599) throw invalid("http_status", "must be 200 to 599");
    const contentType = checkedText(request.contentType, "content_type");
    await store(db, requestId, { httpStatus, contentType, body, begun });
    return {};
  };
}
