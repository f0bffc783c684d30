import type { WebhookEndpoint } from "../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { iso } from "./payer.ts";

/** A webhook; it holds no secret. */
export function webhookOut(endpoint: WebhookEndpoint) {
  return {
    webhook_id: endpoint.endpointId.toString(),
    account_id: endpoint.accountId.toString(),
    /** null: it signs what goes to the callback URLs of the account's requests. */
    url: endpoint.url || null,
    events: endpoint.events,
    enabled: endpoint.enabled,
    description: endpoint.description,
    /** True: it is of an operator's own account, made by its own key. */
    platform: endpoint.platform,
    created_time: iso(endpoint.createdUnixMs),
    updated_time: iso(endpoint.updatedUnixMs),
    /** Until when the secret before this one signs as well. */
    previous_secret_until: endpoint.previousSecretUntilUnixMs === 0n ? null : iso(endpoint.previousSecretUntilUnixMs),
  };
}
