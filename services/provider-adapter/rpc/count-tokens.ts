import { estimateTextTokens } from "../../../shared/estimate-tokens.ts";
import type {
  CountTokensRequest,
  CountTokensResponse,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { ProviderContext } from "../context.ts";

/** Counts the input tokens of a request by the platform's estimate. */
export function countTokens(_context: ProviderContext) {
  return unaryHandler<CountTokensRequest, CountTokensResponse>(async (request) => ({
    inputTokens: BigInt(estimateTextTokens(Buffer.from(request.body).toString())),
    estimated: true,
  }));
}
