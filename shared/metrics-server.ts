import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { metricsContentType } from "./telemetry/index.ts";

/** The variable that says where. */
export const metricsPort = {
  kind: "int",
  default: 0,
  min: 0,
  max: 65_535,
  description:
    "Port of a process's Prometheus metrics (GET /metrics), and of a gateway's GET /readyz with its details. 0: a service has none, the gateway serves them beside its API. In `mesh` it is the gateway's, and routing, billing, provider, history and jobs have the next five.",
} as const;

/** What is served to those who watch a process, apart from what it does for others. */
export interface Watched {
  /** Prometheus text. */
  metricsText(): Promise<string>;
  /**
   * What is missing for a call to succeed, and what is away without keeping it from succeeding; absent: GET /readyz is not
   * served.
   */
  standing?(): Promise<{ readonly missing: readonly string[]; readonly away: readonly string[] }>;
}

/** A server for those who watch. */
export interface MetricsServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Serves GET /metrics, and /readyz with its details, on a port of their own. 0 picks a free one. */
export async function serveMetrics(port: number, watched: Watched): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, text: string) =>
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    answerOf(watched, request.url ?? "").then(
      ({ status, type, text }) => answer(status, type, text),
      () => answer(500, "text/plain", "cannot be read\n"),
    );
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => closed(server),
  };
}

async function answerOf({ metricsText, standing }: Watched, url: string) {
  if (url === "/metrics") return { status: 200, type: metricsContentType, text: await metricsText() };
  if (url !== "/readyz" || standing === undefined) return { status: 404, type: "text/plain", text: "not found\n" };
  const { missing, away } = await standing();
  const status = missing.length === 0 ? "ready" : "not ready";
  const text = JSON.stringify({ status, missing, away });
  return { status: missing.length === 0 ? 200 : 503, type: "application/json; charset=utf-8", text };
}

async function closed(server: Server): Promise<void> {
  const all = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await all;
}
