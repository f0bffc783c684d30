import type { FastifyInstance } from "fastify";
import type { GatewayContext } from "../context.ts";
import { principalOf, publicKinds } from "../edge/admission.ts";
import { selfOut } from "../view/self.ts";

/** GET /v1/me: what the key of the caller is, may do and has left. */
export function me(edge: FastifyInstance, { billing, config }: Pick<GatewayContext, "billing" | "config">): void {
  const admission = { kinds: publicKinds, freeRequests: 1, fresh: true };
  edge.get("/v1/me", { config: { admission } }, async (request) => {
    const principal = principalOf(request);
    const { id, span } = request.incoming;
    const { accountId, keyId } = principal;
    const options = { requestId: id, traceparent: span.traceparent, timeoutMs: config.callTimeoutMs };
    return selfOut(await billing.getStanding({ accountId, keyId }, options), principal);
  });
}
