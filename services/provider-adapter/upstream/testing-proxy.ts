import { once } from "node:events";
import { createServer, type IncomingMessage, request as sendRequest } from "node:http";
import { connect, type Socket } from "node:net";

/** A proxy of a test: it forwards plain requests and makes tunnels. */
export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** What it was asked for: "GET http://host/path" or "CONNECT host:port". */
  readonly asked: readonly string[];
  /** Headers of the last request to the proxy itself. */
  readonly lastHeaders: IncomingMessage["headers"];
  /** Tunnels that stand. */
  readonly tunnels: number;
}

/** How a proxy treats what it is asked for. */
export interface ProxyHabits {
  /** Refuses everything with this status. */
  readonly refuse?: number;
  /** Takes requests and never answers. */
  readonly silent?: boolean;
  /** Where names lead; others are looked up as usual. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** Starts it. */
export async function startProxy({ refuse, silent, hosts = {} }: ProxyHabits = {}): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let lastHeaders: IncomingMessage["headers"] = {};
  let tunnels = 0;
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    lastHeaders = request.headers;
    if (silent === true) return;
    if (refuse !== undefined) {
      request.resume();
      response.writeHead(refuse).end();
      return;
    }
    const target = new URL(request.url ?? "");
    const { "proxy-authorization": _own, ...headers } = request.headers;
    const hostname = hosts[target.hostname] ?? target.hostname;
    const onward = sendRequest({ hostname, port: target.port, path: target.pathname, method: request.method, headers });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    lastHeaders = request.headers;
    socket.on("error", () => {});
    if (silent === true) return;
    if (refuse !== undefined) {
      socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
      return;
    }
    const [host = "", port] = (request.url ?? "").split(":");
    const onward = connect(Number(port), hosts[host] ?? host, () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      tunnels += 1;
      socket.once("close", () => {
        tunnels -= 1;
      });
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    onward.on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    asked,
    get lastHeaders() {
      return lastHeaders;
    },
    get tunnels() {
      return tunnels;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
