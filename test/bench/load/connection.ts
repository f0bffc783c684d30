import { connect, type Socket } from "node:net";

/** What came back for one request. Times are of performance.now(). */
export interface Reply {
  status: number;
  sentMs: number;
  /** First byte of the body. */
  firstByteMs: number;
  endMs: number;
  /** Bytes of the body, without its framing. */
  bytes: number;
  /** `data:` events of the body. */
  events: number;
  /** The start of the body, of an answer that is not a 200. */
  said: string;
}

/** A connection that carries one request at a time. */
export interface Connection {
  /** Sends the bytes of a whole request; `done` gets the reply, or undefined where the connection broke. */
  send(request: Buffer, done: (reply: Reply | undefined) => void): void;
  /** Stops and starts reading, as a slow client does. */
  pause(): void;
  resume(): void;
  close(): void;
}

const eventMark = Buffer.from("data: ");
const noBytes = Buffer.alloc(0);

type State = "idle" | "head" | "body" | "chunk-size" | "chunk" | "chunk-end" | "trailer";

/**
 * HTTP/1.1 by hand: about a fifth of the CPU of undici's client, so that on two cores the load takes little from what is
 * measured. Reads Content-Length and chunked bodies, which is all that the servers compared send.
 */
export function openConnection(host: string, port: number): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const socket: Socket = connect({ host, port, noDelay: true });
  let state: State = "idle";
  let rest: Buffer = noBytes;
  let left = 0;
  let reply: Reply = newReply();
  let done: ((reply: Reply | undefined) => void) | undefined;

  function finish(): void {
    state = "idle";
    reply.endMs = performance.now();
    const tell = done;
    done = undefined;
    tell?.(reply);
  }

  function readHead(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    if (end === -1) return 0;
    const head = bytes.toString("latin1", 0, end).toLowerCase();
    reply.status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (length !== undefined) {
      left = Number(length);
      state = "body";
    } else if (head.includes("\r\ntransfer-encoding: chunked")) state = "chunk-size";
    else throw new Error(`an answer without a length: ${head}`);
    return end + 4;
  }

  function took(bytes: Buffer, from: number, to: number): void {
    if (reply.bytes === 0) reply.firstByteMs = performance.now();
    reply.bytes += to - from;
    if (reply.status !== 200 && reply.said.length < 500)
      reply.said += bytes.toString("utf8", from, Math.min(to, from + 500));
    let at = bytes.indexOf(eventMark, from);
    while (at !== -1 && at < to) {
      reply.events += 1;
      at = bytes.indexOf(eventMark, at + eventMark.length);
    }
  }

  /** Takes one step; gives how many bytes it used, 0: it needs more. */
  function step(bytes: Buffer, at: number): number {
    if (state === "head") return readHead(at === 0 ? bytes : bytes.subarray(at));
    if (state === "body" || state === "chunk") {
      const take = Math.min(left, bytes.length - at);
      // A mark that is cut in two is counted where it is whole again, which needs all of a chunk: wait for it.
      if (state === "chunk" && take < left && bytes.length - at < 65_536) return 0;
      took(bytes, at, at + take);
      left -= take;
      if (left === 0) {
        if (state === "body") finish();
        else state = "chunk-end";
      }
      return take;
    }
    const end = bytes.indexOf("\r\n", at);
    if (end === -1) return 0;
    if (state === "chunk-end") state = "chunk-size";
    else if (state === "trailer") {
      if (end === at) finish();
    } else {
      left = Number.parseInt(bytes.toString("latin1", at, end), 16);
      state = left === 0 ? "trailer" : "chunk";
    }
    return end + 2 - at;
  }

  socket.on("data", (data) => {
    const bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let at = 0;
    while (at < bytes.length && state !== "idle") {
      const used = step(bytes, at);
      if (used === 0) break;
      at += used;
    }
    rest = at < bytes.length ? bytes.subarray(at) : noBytes;
  });
  socket.on("connect", () =>
    resolve({
      send(request, whenDone) {
        done = whenDone;
        reply = newReply();
        reply.sentMs = performance.now();
        state = "head";
        if (socket.destroyed) broken();
        else socket.write(request);
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: () => socket.destroy(),
    }),
  );
  function broken(): void {
    const tell = done;
    done = undefined;
    state = "idle";
    tell?.(undefined);
  }
  socket.on("error", (error) => reject(error));
  socket.on("close", broken);
  return promise;
}

function newReply(): Reply {
  return { status: 0, sentMs: 0, firstByteMs: 0, endMs: 0, bytes: 0, events: 0, said: "" };
}
