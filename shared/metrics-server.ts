import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { listenFault } from "./listen-fault.ts";
import type { MetricsAnswer } from "./telemetry/index.ts";

/** The variable that says where. */
export const metricsPort = {
  kind: "int",
  default: 0,
  min: 0,
  max: 65_535,
  description:
    "Port of a process's Prometheus metrics (GET /metrics) and of its probes (GET /healthz, GET /readyz with details), in plain HTTP. 0: a service has none, the gateway serves them beside its API. In `mesh` it is the gateway's, and routing, billing, provider, history and jobs have the next five that are free.",
} as const;

/** What a process says of itself to those who watch it. */
export interface Standing {
  /** What is missing for a call to succeed. Empty: the process is ready. */
  readonly missing: readonly string[];
  /** What is away without keeping a call from succeeding. */
  readonly away: readonly string[];
}

/** A server for those who watch. */
export interface MetricsServer {
  readonly port: number;
  /** From now on GET /readyz answers by this. Before, the process is not ready: it starts. */
  tell(standing: () => Promise<Standing>): void;
  stop(): Promise<void>;
}

const starting: Standing = { missing: ["start"], away: [] };

/**
 * Serves GET /metrics, /readyz with its details and /healthz, which says that the process runs, on a port of their own. It
 * opens before the process is ready: one that waits for a long migration is alive. Plain HTTP also where gRPC is TLS, which
 * probes do not speak. 0 picks a free port.
 */
export async function serveMetrics(
  port: number,
  { metricsFor }: { metricsFor(accept: string | undefined): Promise<MetricsAnswer> },
): Promise<MetricsServer> {
  let standing = async (): Promise<Standing> => starting;
  const routes: Readonly<Record<string, (accept: string | undefined) => Promise<Answer>>> = {
    "/metrics": async (accept) => ({ status: 200, ...(await metricsFor(accept)) }),
    "/healthz": async () => json(200, { status: "ok" }),
    "/readyz": async () => {
      const { missing, away } = await standing();
      const isReady = missing.length === 0;
      return json(isReady ? 200 : 503, { status: isReady ? "ready" : "not ready", missing, away });
    },
  };
  const server = createServer((request, response) => {
    const answer = ({ status, type, text }: Answer) =>
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    const [path = ""] = (request.url ?? "").split("?", 1);
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) answer({ status: 404, type: "text/plain", text: "not found\n" });
    else
      route(request.headers.accept).then(answer, () =>
        answer({ status: 500, type: "text/plain", text: "cannot be read\n" }),
      );
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, resolve)).catch(
    (cause: unknown) => {
      throw listenFault(`port ${port}`, ["METRICS_PORT"], cause);
    },
  );
  return {
    port: (server.address() as AddressInfo).port,
    tell(told) {
      standing = told;
    },
    stop: () => closed(server),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function json(status: number, body: object): Answer {
  return { status, type: "application/json; charset=utf-8", text: JSON.stringify(body) };
}

async function closed(server: Server): Promise<void> {
  const all = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await all;
}
