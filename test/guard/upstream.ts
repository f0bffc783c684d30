import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";

/** A stream that the test writes piece by piece. */
export interface OpenStream {
  /** Sends one piece, in one write. */
  send(text: string): void;
  /** Sends the last piece and the end, in one write. */
  end(text: string): void;
}

/** An upstream that answers at once with what it is told, and whose streams go no faster than the test. */
export interface Upstream {
  readonly port: number;
  /** Base URL of a channel. */
  readonly url: string;
  /** The next stream that is asked of it. */
  nextStream(): Promise<OpenStream>;
  stop(): Promise<void>;
}

const streamMark = Buffer.from('"stream":true');

/** Starts it. `answer`: the body of every answer that is not a stream. */
export async function startUpstream(answer: string): Promise<Upstream> {
  const open: OpenStream[] = [];
  const waiting: ((stream: OpenStream) => void)[] = [];
  const server = createServer((request, response) => {
    let asked = Buffer.alloc(0);
    request.on("data", (chunk: Buffer) => {
      asked = Buffer.concat([asked, chunk]);
    });
    request.on("end", () => {
      if (!asked.includes(streamMark)) return void response.setHeader("content-type", "application/json").end(answer);
      const stream = streamOn(response.setHeader("content-type", "text/event-stream"));
      const next = waiting.shift();
      if (next === undefined) open.push(stream);
      else next(stream);
    });
  });
  server.keepAliveTimeout = 75_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}/v1`,
    nextStream() {
      const ready = open.shift();
      return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function streamOn(response: ServerResponse): OpenStream {
  return {
    send: (text) => void response.write(text),
    end: (text) => void response.end(text),
  };
}
