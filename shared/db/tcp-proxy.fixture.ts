import { connect, createServer, type Socket } from "node:net";

/** A TCP relay before the server of a database URL, to break its connections by. */
export interface TcpProxy {
  /** The same URL by way of the relay. */
  readonly url: string;
  /** Cuts all connections and lets no new ones through until `mend`. */
  cut(): void;
  mend(): void;
  /** From now on takes what comes and passes nothing on: a peer that vanished. */
  swallow(): void;
  close(): Promise<void>;
}

/** Starts a relay on 127.0.0.1. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isCut = false;
  let isSwallowing = false;
  const server = createServer((near) => {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes) => isSwallowing || far.write(bytes));
    far.on("data", (bytes) => isSwallowing || near.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: url.href,
    cut,
    mend: () => {
      isCut = false;
    },
    swallow: () => {
      isSwallowing = true;
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
