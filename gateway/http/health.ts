import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GatewayContext } from "../context.ts";

const probe = { config: { probe: true } };

/** GET /healthz, /readyz and /metrics: no key needed; network policy decides who reaches them. */
export function health(edge: FastifyInstance, context: GatewayContext, ready: () => Promise<string[]>): void {
  edge.get("/healthz", probe, async () => ({ status: "ok" }));
  edge.get("/readyz", probe, async () => {
    const missing = await ready();
    if (missing.length > 0) {
      throw new ThroughlineError("service_unavailable", `Not ready: ${missing.join(", ")}.`, { retryAfterMs: 1_000 });
    }
    return { status: "ready" };
  });
  edge.get("/metrics", probe, async (_request, reply) => {
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    return context.metricsText();
  });
}
