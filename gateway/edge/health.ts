import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GatewayContext } from "../context.ts";

const probe = { config: { probe: true } };

/**
 * GET /healthz and /readyz, without a key. Where metrics have a port of their own, /readyz says no more than whether;
 * where not, it names what is missing, and /metrics is here too: network policy decides who reaches them.
 */
export function health(
  edge: FastifyInstance,
  context: GatewayContext,
  missing: () => Promise<readonly string[]>,
): void {
  const isPlain = context.config.metricsPort !== undefined;
  edge.get("/healthz", probe, async () => ({ status: "ok" }));
  edge.get("/readyz", probe, async () => {
    const named = await missing();
    if (named.length === 0) return { status: "ready" };
    const message = isPlain ? "Not ready." : `Not ready: ${named.join(", ")}.`;
    throw new ThroughlineError("service_unavailable", message, { retryAfterMs: 1_000 });
  });
  if (isPlain) return;
  edge.get("/metrics", probe, async (_request, reply) => {
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    return context.metricsText();
  });
}
