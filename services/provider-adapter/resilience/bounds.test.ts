import { createServer, type Server } from "node:http";
import { createServer as createRawServer, type Server as RawServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestProvider, type TestChannel, type TestProvider } from "../testing-provider.ts";

/*
 * Upstreams that keep a client waiting, before a good one: each bound of a channel ends the wait, has a fault of its own
 * that blames the upstream, and opens the breaker, so that the next request does not pay again.
 */

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const wholeHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
const chunk = (delta: object) =>
  `data: ${JSON.stringify({ id: "v", model: "m", choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;

/** Writes a text at once, and then a piece again and again, well within every bound on silence. */
function trickle(socket: Socket, first: string, piece: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(piece), 20);
  socket.once("close", () => clearInterval(timer));
}

interface Slow {
  /** The one bound that is short, and is to end it. */
  readonly bounds: Partial<TestChannel>;
  readonly fault: string;
  readonly stream: boolean;
  /** The client has content before it goes wrong, so no other channel can take over. */
  readonly begun?: boolean;
  readonly scheme?: "https";
  /** Absent: it takes the connection and is silent. */
  readonly answer?: (socket: Socket) => void;
}

const shortMs = 150;
const slow: Readonly<Record<string, Slow>> = {
  "never answers the TLS hello, by connect": {
    ...{ bounds: { connectTimeoutMs: shortMs }, fault: "connect_timeout", stream: false, scheme: "https" },
  },
  "never answers the TLS hello, by headers": {
    ...{ bounds: { headersTimeoutMs: shortMs }, fault: "connect_timeout", stream: true, scheme: "https" },
  },
  "takes the request and is silent": {
    ...{ bounds: { headersTimeoutMs: shortMs }, fault: "headers_timeout", stream: false },
  },
  "trickles its head": {
    ...{ bounds: { headersTimeoutMs: shortMs }, fault: "headers_timeout", stream: true },
    answer: (socket) => trickle(socket, "HTTP/1.1 200 OK\r\nX-Long: ", "x"),
  },
  "is silent behind the head of a stream, by first token": {
    ...{ bounds: { firstTokenTimeoutMs: shortMs }, fault: "first_token_timeout", stream: true },
    answer: (socket) => void socket.write(streamHead),
  },
  "says nothing but comments in a stream": {
    ...{ bounds: { firstTokenTimeoutMs: shortMs }, fault: "first_token_timeout", stream: true },
    answer: (socket) => trickle(socket, streamHead, ": queued\n\n"),
  },
  "is silent behind the head of a stream, by chunk": {
    ...{ bounds: { chunkTimeoutMs: shortMs }, fault: "chunk_timeout", stream: true },
    answer: (socket) => void socket.write(streamHead),
  },
  "falls silent within a stream": {
    ...{ bounds: { chunkTimeoutMs: shortMs }, fault: "chunk_timeout", stream: true, begun: true },
    answer: (socket) => void socket.write(streamHead + chunk({ content: "Hello" })),
  },
  "says nothing but comments after the first token": {
    ...{ bounds: { chunkTimeoutMs: shortMs }, fault: "chunk_timeout", stream: true, begun: true },
    answer: (socket) => trickle(socket, streamHead + chunk({ content: "Hello" }), ": still here\n\n"),
  },
  "pours comments after the first token": {
    ...{ bounds: { chunkTimeoutMs: shortMs }, fault: "chunk_timeout", stream: true, begun: true },
    answer: (socket) => trickle(socket, streamHead + chunk({ content: "Hello" }), `: ${"x".repeat(70_000)}\n\n`),
  },
  "says nothing but pings after the first token": {
    ...{ bounds: { chunkTimeoutMs: shortMs }, fault: "chunk_timeout", stream: true, begun: true },
    answer: (socket) => trickle(socket, streamHead + chunk({ content: "Hello" }), "event: ping\ndata: {}\n\n"),
  },
  "trickles an event that never ends": {
    ...{ bounds: { chunkTimeoutMs: shortMs }, fault: "chunk_timeout", stream: true, begun: true },
    answer: (socket) => trickle(socket, `${streamHead}${chunk({ content: "Hello" })}data: {`, "x"),
  },
  "falls silent within a whole answer": {
    ...{ bounds: { chunkTimeoutMs: shortMs }, fault: "chunk_timeout", stream: false },
    answer: (socket) => void socket.write(`${wholeHead}{`),
  },
  "trickles a whole answer": {
    ...{ bounds: { bodyTimeoutMs: shortMs }, fault: "body_timeout", stream: false },
    answer: (socket) => trickle(socket, wholeHead, " "),
  },
  "is silent in a whole answer, by body": {
    ...{ bounds: { bodyTimeoutMs: shortMs }, fault: "body_timeout", stream: false },
    answer: (socket) => void socket.write(`${wholeHead}{`),
  },
  "trickles an error": {
    ...{ bounds: { bodyTimeoutMs: shortMs }, fault: "body_timeout", stream: true },
    answer: (socket) => trickle(socket, wholeHead.replace("200 OK", "500 Failed"), " "),
  },
  "trickles a document in place of a stream": {
    ...{ bounds: { bodyTimeoutMs: shortMs }, fault: "body_timeout", stream: true },
    answer: (socket) => trickle(socket, wholeHead, " "),
  },
};

let provider: TestProvider;
let good: Server;
const bad: RawServer[] = [];
const warnings: Readonly<Record<string, unknown>>[] = [];

beforeAll(async () => {
  good = createServer((request, response) => {
    request.resume();
    request.once("end", () => {
      const streamed = request.headers.accept === "text/event-stream";
      response.writeHead(200, { "content-type": streamed ? "text/event-stream" : "application/json" });
      response.end(
        streamed
          ? `${chunk({ content: "good" })}data: [DONE]\n\n`
          : '{"id":"g","choices":[{"index":0,"message":{"role":"assistant","content":"good"},"finish_reason":"stop"}]}',
      );
    });
  });
  const channels: Record<string, TestChannel> = {
    good: { adapter: "openai", baseUrl: `http://127.0.0.1:${await portOf(good)}/v1` },
  };
  for (const [at, { bounds, scheme, answer }] of Object.values(slow).entries()) {
    const server = createRawServer((socket) => {
      socket.on("error", () => {});
      let asked = false;
      socket.on("data", () => {
        if (!asked) answer?.(socket);
        asked = true;
      });
    });
    bad.push(server);
    const baseUrl = `${scheme ?? "http"}://127.0.0.1:${await portOf(server)}/v1`;
    channels[`slow-${at}`] = { adapter: "openai", baseUrl, ...bounds };
  }
  provider = await startTestProvider(channels, {
    // All other bounds are far away. One of them is in seconds: it sets how finely time is told.
    env: { UPSTREAM_PROBE_AFTER_MS: "30s", UPSTREAM_CHUNK_TIMEOUT_MS: "15s", UPSTREAM_BODY_TIMEOUT_MS: "15s" },
    onWarn: (line) => warnings.push(line),
  });
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  good.closeAllConnections();
  good.close();
  for (const server of bad) server.close();
});

async function portOf(server: RawServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe.concurrent("an upstream that", () => {
  test.each(Object.entries(slow).map(([name, entry], at) => [name, entry, `slow-${at}`] as const))(
    "%s: one request pays, within the bound",
    async (_name, { fault, stream, begun }, channel) => {
      const ask = () =>
        provider.invoke({
          dialect: "openai.chat",
          body: { model: "m", stream, messages: [{ role: "user", content: "Hi" }] },
          candidates: [
            { channel, model: "m" },
            { channel: "good", model: "m" },
          ],
        });
      const startedMs = performance.now();
      const first = await ask();
      expect(performance.now() - startedMs).toBeLessThan(5_000);
      const [attempt] = first.outcome.attempts;
      expect(attempt).toMatchObject({ channel, fault, errorCode: "upstream_timeout" });
      expect(attempt?.errorMessage).toMatch(/upstream/);
      if (begun === true) expect(first.error?.code).toBe("upstream_timeout");
      else expect(first.error).toBeUndefined();
      expect(first.outcome.attempts).toHaveLength(begun === true ? 1 : 2);
      expect(warnings.filter((line) => line.channel === channel && "fault" in line)).toEqual([
        expect.objectContaining({ channel, fault, code: "upstream_timeout", reason: attempt?.errorMessage }),
      ]);

      const second = await ask();
      expect(second.error).toBeUndefined();
      expect(second.outcome.attempts.map(({ channel: of }) => of)).toEqual(["good"]);
      expect(second.outcome.notes).toEqual([`channel ${channel} skipped: breaker open`]);
    },
  );
});
