import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  CountTokensRequest,
  CountTokensResponse,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { ProviderContext } from "../context.ts";
import type { Asked } from "../domain/exchange.ts";
import { estimatedInput } from "../domain/input-estimate.ts";
import { gather } from "../engine/gather.ts";

/** Largest answer of a count. */
const maxBodyBytes = 64 * 1024;

/**
 * Counts the input tokens of a request: by the first candidate whose upstream counts by itself, the next ones where it
 * fails; by the platform's estimate where none does. The client's own mistakes are the upstream's to tell.
 */
export function countTokens(context: ProviderContext) {
  return unaryHandler<CountTokensRequest, CountTokensResponse>(async (request, call) => {
    for (const candidate of request.candidates) {
      try {
        const channel = await context.channels.find(candidate.channel, request.configVersion);
        const asked = askedOf(request, candidate.upstreamModel);
        const count = channel.adapter.counts?.[request.dialect]?.(asked);
        if (count === undefined) break;
        const { message } = count;
        const question = { message, requestId: request.requestId, signal: call.signal, maxBodyBytes };
        const answer = await gather(context, channel, question);
        return {
          inputTokens: BigInt(count.read(answer.body)),
          estimated: false,
          upstreamRequestId: answer.upstreamRequestId,
        };
      } catch (thrown) {
        const error = ThroughlineError.from(thrown);
        if (error.httpStatus < 500) throw error;
        context.log.warn({ channel: candidate.channel, code: error.code }, "an upstream did not count tokens");
      }
    }
    const estimatedInputTokens = Number(request.estimatedInputTokens);
    return { inputTokens: BigInt(estimatedInput({ estimatedInputTokens, body: request.body })), estimated: true };
  });
}

function askedOf(request: CountTokensRequest, upstreamModel: string): Asked {
  return {
    requestId: request.requestId,
    model: upstreamModel,
    upstreamModel,
    control: "",
    stream: false,
    includeUsage: false,
    body: request.body,
    headers: request.headers,
    createdUnixS: 0,
    keepResponse: false,
  };
}
