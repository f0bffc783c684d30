import type { OpenChannel } from "../channels.ts";
import type { UpstreamMessage } from "../domain/exchange.ts";

/** What a request upstream needs beside its message. */
export interface RequestOptions {
  /** Empty: none. */
  readonly credential: string;
  /** The answer is asked for as events. */
  readonly stream: boolean;
  /** The platform's request ID, as the vendor is to see it. */
  readonly requestIdText: string;
  /** W3C trace context of the attempt. Empty: none. */
  readonly traceparent: string;
}

/** The one place that makes an upstream's HTTP request of a message. */
export function toRequest(channel: OpenChannel, message: UpstreamMessage, options: RequestOptions) {
  const { credential, stream, requestIdText, traceparent } = options;
  const { base } = message;
  return {
    origin: channel.origin,
    path: (base === undefined ? channel.basePath : channel.basePath.replace(base[0], base[1])) + message.path,
    method: message.method ?? "POST",
    headers: {
      "content-type": message.contentType ?? "application/json",
      accept: message.accept ?? (stream ? "text/event-stream" : "application/json"),
      "user-agent": "throughline",
      ...channel.headers,
      ...message.headers,
      ...(credential === "" ? {} : channel.adapter.sign(credential, message)),
      ...(channel.requestIdHeader === "" ? {} : { [channel.requestIdHeader]: requestIdText }),
      ...(traceparent === "" ? {} : { traceparent }),
    },
    body: message.source ?? message.body,
    once: message.once ?? false,
  };
}
