import { contextHeaders } from "../../../shared/telemetry/index.ts";
import type { OpenChannel } from "../channels.ts";
import type { UpstreamMessage } from "../domain/exchange.ts";
import type { UpstreamRequest } from "../upstream/request.ts";

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
export function toRequest(channel: OpenChannel, message: UpstreamMessage, options: RequestOptions): UpstreamRequest {
  const { credential, stream, requestIdText, traceparent } = options;
  const { method = "POST", url } = message;
  const accept = message.accept ?? (stream ? "text/event-stream" : "application/json");
  if (url !== undefined && leadsAbroad(channel, message)) return toStranger(url, accept, message);
  const { origin } = channel;
  const path = url === undefined ? pathOf(channel, message) : pathIn(url, origin);
  return {
    origin,
    path,
    method,
    headers: {
      ...(method === "POST" ? { "content-type": message.contentType ?? "application/json" } : {}),
      accept,
      "user-agent": "throughline",
      ...channel.headers,
      ...message.headers,
      ...(credential === "" ? {} : channel.adapter.sign(credential, message, { method, origin, path })),
      ...(channel.requestIdHeader === "" ? {} : { [channel.requestIdHeader]: requestIdText }),
      ...contextHeaders(traceparent),
    },
    ...(method === "POST" ? { body: message.source ?? message.body } : {}),
    once: message.once ?? false,
  };
}

/** True: the message goes to another host than the channel's, where an upstream keeps what it made. */
export function leadsAbroad(channel: OpenChannel, { url }: UpstreamMessage): boolean {
  return url !== undefined && new URL(url, channel.origin).origin !== channel.origin;
}

/** Asks a host that is not the channel's own: it gets no credential, no header and no ID of the channel. */
function toStranger(url: string, accept: string, { headers }: UpstreamMessage): UpstreamRequest {
  return {
    origin: new URL(url).origin,
    path: pathIn(url),
    method: "GET",
    headers: { accept, "user-agent": "throughline", ...headers },
  };
}

function pathOf({ basePath }: OpenChannel, { base, path }: UpstreamMessage): string {
  return (base === undefined ? basePath : basePath.replace(base[0], base[1])) + path;
}

function pathIn(url: string, origin?: string): string {
  const { pathname, search } = new URL(url, origin);
  return pathname + search;
}
