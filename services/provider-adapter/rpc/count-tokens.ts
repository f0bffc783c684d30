import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  CountTokensRequest,
  CountTokensResponse,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { formatRequestId } from "../../../shared/request-id.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import { boundsOf, type OpenChannel } from "../channels.ts";
import type { ProviderContext } from "../context.ts";
import type { Asked, UpstreamMessage } from "../domain/exchange.ts";
import { estimatedInput } from "../domain/input-estimate.ts";
import { hideCredential } from "../engine/hide-credential.ts";
import { toRequest } from "../engine/to-request.ts";
import { upstreamRequestIdOf } from "../engine/upstream-request-id.ts";
import type { ResponseHeaders } from "../upstream/call.ts";
import { faultError } from "../upstream/faults.ts";

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
        const answer = await ask(context, channel, count.message, request.requestId, call.signal);
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

interface Counted {
  readonly body: Buffer;
  readonly upstreamRequestId: string;
}

/** Sends one request and gathers its answer. */
function ask(
  context: ProviderContext,
  channel: OpenChannel,
  message: UpstreamMessage,
  requestId: bigint,
  signal: AbortSignal,
): Promise<Counted> {
  const { promise, resolve, reject } = Promise.withResolvers<Counted>();
  const parts: Buffer[] = [];
  let status = 0;
  let headers: ResponseHeaders = {};
  const credential = channel.nextCredential();
  const requestIdText = formatRequestId(requestId, context.config.idStyle);
  context.upstream.send(
    {
      ...toRequest(channel, message, { credential, stream: false, requestIdText, traceparent: "" }),
      signal,
      maxBodyBytes,
      ...boundsOf(channel),
    },
    {
      onHead(given, fields) {
        status = given;
        headers = fields;
        return "whole";
      },
      onData(chunk) {
        parts.push(chunk);
        return true;
      },
      onEnd() {
        const body = Buffer.concat(parts);
        const upstreamRequestId = upstreamRequestIdOf(headers, channel.adapter.requestIdHeaders);
        if (status === 200) resolve({ body, upstreamRequestId });
        else {
          const said = hideCredential(body.toString(), credential);
          reject(channel.adapter.failure(status, headers, said, upstreamRequestId).error);
        }
      },
      onError(fault) {
        reject(faultError(fault));
      },
    },
  );
  return promise;
}
