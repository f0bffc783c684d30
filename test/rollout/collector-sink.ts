import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** In the place of an OpenTelemetry Collector: takes what it is sent and forgets it. */
export interface CollectorSink extends AsyncDisposable {
  readonly url: string;
  /** Closes its port; resolves with what opens it again. */
  refuse(): Promise<() => Promise<void>>;
  /** Takes exports and answers none; resolves with what lets it answer. */
  hang(): Promise<() => Promise<void>>;
}

/** Starts one. */
export async function startCollectorSink(): Promise<CollectorSink> {
  let hangs = false;
  const waiting = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      if (hangs) waiting.add(response);
      else response.end();
    });
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async refuse() {
      await close();
      return () => listen(port);
    },
    async hang() {
      hangs = true;
      return async () => {
        hangs = false;
        for (const response of waiting) response.end();
        waiting.clear();
      };
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await close();
    },
  };
}
