import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Standing } from "../../shared/metrics-server.ts";
import type { GatewayContext } from "../context.ts";

const probe = { config: { probe: true } };

/**
 * GET /healthz and /readyz, without a key. Where metrics have a port of their own, /readyz says no more than whether;
 * where not, it names what is away, and /metrics is here too: network policy decides who reaches them.
 */
export function health(edge: FastifyInstance, context: GatewayContext, standing: () => Promise<Standing>): void {
  const isPlain = context.config.metricsPort !== undefined;
  edge.get("/healthz", probe, async () => ({ status: "ok" }));
  edge.get("/readyz", probe, async () => {
    const { missing, away } = await standing();
    if (missing.length === 0) return { status: "ready", ...(isPlain ? {} : { away }) };
    const message = isPlain ? "Not ready." : `Not ready: ${missing.join(", ")}.`;
    throw new ThroughlineError("service_unavailable", message, { retryAfterMs: 1_000 });
  });
  if (isPlain) return;
  edge.get("/metrics", probe, async (request, reply) => {
    const { type, text } = await context.metricsFor(request.headers.accept);
    reply.type(type);
    return text;
  });
}
