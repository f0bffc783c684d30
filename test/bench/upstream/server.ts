import { createServer, type Socket } from "node:net";
import {
  answerBody,
  answerBytes,
  type Behaviour,
  behaviourOf,
  contentChunk,
  lastChunk,
  otherAnswers,
} from "./answers.ts";
import { createWheel, type Wheel } from "./wheel.ts";

/** An upstream that costs next to nothing: HTTP/1.1 by hand on a socket, answers made beforehand. */
export interface BenchUpstream {
  readonly port: number;
  /** Requests so far. */
  readonly requests: number;
  close(): Promise<void>;
}

/** A body is looked at so far for what it asks for; the rest of a longer one is counted and let go. */
const lookedAtBytes = 64 * 1024;

/** Bytes that wait for a slow reader above which a stream writes nothing more for now. */
const pauseAboveBytes = 64 * 1024;

interface Shared {
  readonly wheel: Wheel;
  readonly chunks: Map<number, Buffer>;
  requests: number;
}

/** Starts an upstream on 127.0.0.1. Only what the bench needs: POST with a content-length. */
export async function startBenchUpstream(port = 0): Promise<BenchUpstream> {
  const sockets = new Set<Socket>();
  const shared: Shared = { wheel: createWheel(), chunks: new Map(), requests: 0 };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    serve(socket, shared);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", 4_096, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the upstream has no port");
  return {
    port: address.port,
    get requests() {
      return shared.requests;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Reads requests off one connection, one after the other. */
function serve(socket: Socket, shared: Shared): void {
  let rest: Buffer | undefined;
  /** A long body: the bytes that are still to come, and what it asked for. */
  let leftBytes = 0;
  let asked: Behaviour | undefined;
  socket.on("data", (data) => {
    let bytes = rest === undefined ? data : Buffer.concat([rest, data]);
    rest = undefined;
    if (leftBytes > 0) {
      const taken = Math.min(leftBytes, bytes.length);
      leftBytes -= taken;
      bytes = bytes.subarray(taken);
      if (leftBytes > 0) return;
      if (asked !== undefined) answer(socket, shared, asked);
      if (bytes.length === 0) return;
    }
    for (;;) {
      const headEnd = bytes.indexOf("\r\n\r\n");
      if (headEnd === -1) break;
      const head = bytes.toString("latin1", 0, headEnd);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? (head.startsWith("GET") ? 0 : Number.NaN));
      if (Number.isNaN(length)) {
        socket.end("HTTP/1.1 411 Length Required\r\nconnection: close\r\n\r\n");
        return;
      }
      const end = headEnd + 4 + length;
      if (bytes.length < end && bytes.length < headEnd + lookedAtBytes) break;
      if (bytes.length < end) {
        shared.requests += 1;
        asked = behaviourOf(bytes.subarray(headEnd + 4));
        leftBytes = end - bytes.length;
        return;
      }
      shared.requests += 1;
      answer(socket, shared, behaviourOf(bytes.subarray(headEnd + 4, end)));
      bytes = bytes.subarray(end);
      if (bytes.length === 0) return;
    }
    rest = bytes;
  });
}

function answer(socket: Socket, shared: Shared, behaviour: Behaviour): void {
  const id = `req_bench_${shared.requests}`;
  if (behaviour.kind === "stream") {
    stream(socket, shared, behaviour, id);
    return;
  }
  if (behaviour.kind !== "answer") {
    const { type, body } = otherAnswers[behaviour.kind];
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nx-request-id: ${id}\r\ncontent-length: ${body.length}\r\n\r\n`;
    socket.cork();
    socket.write(head, "latin1");
    socket.write(body);
    socket.uncork();
    return;
  }
  const send = (): void => {
    if (socket.writable) {
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: ${id}\r\ncontent-length: ${answerBytes}\r\n\r\n${answerBody}`,
        "latin1",
      );
    }
  };
  if (behaviour.delayMs === 0) send();
  else shared.wheel.add(behaviour.delayMs, send);
}

function stream(
  socket: Socket,
  shared: Shared,
  { chunks, everyMs, chunkBytes }: Extract<Behaviour, { kind: "stream" }>,
  id: string,
): void {
  const chunk = shared.chunks.get(chunkBytes) ?? contentChunk(chunkBytes);
  shared.chunks.set(chunkBytes, chunk);
  socket.write(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: ${id}\r\ntransfer-encoding: chunked\r\n\r\n`,
    "latin1",
  );
  let left = chunks;
  const next = (): void => {
    if (!socket.writable) return;
    if (socket.writableLength > pauseAboveBytes) {
      shared.wheel.add(Math.max(everyMs, 5), next);
      return;
    }
    left -= 1;
    socket.write(left === 0 ? lastChunk : chunk);
    if (left === 0) return;
    if (everyMs > 0) shared.wheel.add(everyMs, next);
    else next();
  };
  next();
}
