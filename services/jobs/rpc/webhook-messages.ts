import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  DeliverySchema,
  DeliveryState,
  WebhookEndpointSchema,
} from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { type DeliveryRow, deliveryStates } from "../webhooks/db/deliveries.ts";
import type { EndpointRow } from "../webhooks/db/endpoints.ts";

/** Longest page. */
export const maxPage = 1_000;

/** An endpoint as callers see it: without its secrets. */
export function toEndpoint(row: EndpointRow): MessageInitShape<typeof WebhookEndpointSchema> {
  const signsUntilMs = row.previous_secret === null ? 0 : (row.previous_until?.getTime() ?? 0);
  return {
    endpointId: row.endpoint_id,
    accountId: row.account_id,
    url: row.url,
    events: row.events,
    enabled: row.enabled,
    description: row.description,
    platform: row.platform,
    createdUnixMs: BigInt(row.created_at.getTime()),
    updatedUnixMs: BigInt(row.updated_at.getTime()),
    previousSecretUntilUnixMs: BigInt(signsUntilMs > Date.now() ? signsUntilMs : 0),
  };
}

/** A delivery as callers see it. */
export function toDelivery(row: DeliveryRow): MessageInitShape<typeof DeliverySchema> {
  return {
    deliveryId: row.delivery_id,
    eventId: row.event_id,
    type: row.type,
    accountId: row.account_id,
    endpointId: row.endpoint_id,
    url: row.url,
    state: row.state as DeliveryState,
    requestId: row.request_id ?? 0n,
    tries: row.tries,
    lastTries: row.tries_log.map(([atUnixMs, durationMs, httpStatus, error]) => ({
      atUnixMs: BigInt(atUnixMs),
      durationMs,
      httpStatus,
      error,
    })),
    createdUnixMs: BigInt(row.created_at.getTime()),
    nextTryUnixMs: BigInt(row.state === deliveryStates.pending ? row.next_at.getTime() : 0),
  };
}

/** Refuses a length of a page that is none. */
export function assertLimit(limit: number): void {
  if (limit >= 1 && limit <= maxPage) return;
  throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${maxPage}.`, { param: "limit" });
}

/** The same words for what is unknown and for what is another account's. */
export function noSuchEndpoint(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such webhook.");
}
