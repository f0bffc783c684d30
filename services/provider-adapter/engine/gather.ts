import { formatRequestId } from "../../../shared/request-id.ts";
import { boundsOf, type OpenChannel } from "../channels.ts";
import type { ProviderContext } from "../context.ts";
import type { UpstreamMessage } from "../domain/exchange.ts";
import { faultError } from "../upstream/faults.ts";
import type { ResponseHeaders } from "../upstream/request.ts";
import { hideCredential } from "./hide-credential.ts";
import { toRequest } from "./to-request.ts";
import { upstreamRequestIdOf } from "./upstream-request-id.ts";

/** A whole answer with status 200. */
export interface Gathered {
  readonly body: Buffer;
  readonly upstreamRequestId: string;
}

/** What a question beside the requests of clients is asked with. */
export interface Question {
  readonly message: UpstreamMessage;
  readonly requestId: bigint;
  readonly signal: AbortSignal;
  /** Largest answer. */
  readonly maxBodyBytes: number;
}

/** Sends one request beside those of clients and gathers its answer. Rejects with what the failure means. */
export async function gather(
  context: Pick<ProviderContext, "config" | "tokens" | "upstream">,
  channel: OpenChannel,
  { message, requestId, signal, maxBodyBytes }: Question,
): Promise<Gathered> {
  const held = channel.nextCredential();
  const credential = await context.tokens.of(channel, held);
  const { promise, resolve, reject } = Promise.withResolvers<Gathered>();
  const parts: Buffer[] = [];
  let status = 0;
  let headers: ResponseHeaders = {};
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
          const said = hideCredential(hideCredential(body.toString(), credential), held);
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
