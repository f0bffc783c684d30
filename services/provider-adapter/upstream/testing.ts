import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { UpstreamFault } from "./faults.ts";
import type { ResponseHeaders, UpstreamCall, UpstreamRequest, UpstreamSink } from "./request.ts";
import type { Upstream } from "./upstream.ts";

/** How a call ended. */
export interface Ending {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly text: string;
  /** Absent: it ended well. */
  readonly fault: UpstreamFault | undefined;
}

/** A call whose answer is gathered, for tests. */
export interface GatheredCall {
  readonly call: UpstreamCall;
  readonly head: Promise<number>;
  readonly firstData: Promise<void>;
  readonly ending: Promise<Ending>;
  /** Bytes heard so far. */
  bytes(): number;
}

/** Sends a request and gathers what its sink hears; `onData` may act on the call. */
export function gather(
  upstream: Upstream,
  request: UpstreamRequest,
  onData?: (call: UpstreamCall) => void,
): GatheredCall {
  const head = Promise.withResolvers<number>();
  const firstData = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<Ending>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let status = 0;
  let headers: ResponseHeaders = {};
  const finish = (fault?: UpstreamFault) =>
    ending.resolve({ status, headers, text: Buffer.concat(chunks).toString(), fault });
  const sink: UpstreamSink = {
    onHead(code, fields) {
      status = code;
      headers = fields;
      head.resolve(code);
      return String(fields["content-type"]).includes("event-stream") ? "stream" : "whole";
    },
    onData(chunk) {
      bytes += chunk.length;
      // A long body is counted, not kept.
      if (bytes < 1_000_000) chunks.push(chunk);
      firstData.resolve();
      onData?.(call);
      return true;
    },
    onEnd: () => finish(),
    onError: finish,
  };
  const call = upstream.send(request, sink);
  return { call, head: head.promise, firstData: firstData.promise, ending: ending.promise, bytes: () => bytes };
}

/** A chat request for the simulator. */
export function chatRequest(
  origin: string,
  model: string,
  stream: boolean,
  more: Partial<UpstreamRequest> = {},
): UpstreamRequest {
  const body = { model, stream, messages: [{ role: "user", content: "hello" }] };
  return {
    origin,
    path: "/v1/chat/completions",
    method: "POST",
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(body)),
    ...more,
  };
}

/** A server that says what the test makes it say, until the end of the test; gives its host and port. */
export async function rawServer(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}
