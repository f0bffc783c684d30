import { type Delivery, DeliveryState } from "../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { formatRequestId, type RequestIdStyle } from "../../shared/request-id.ts";

const stateName: Readonly<Record<DeliveryState, string>> = {
  [DeliveryState.UNSPECIFIED]: "pending",
  [DeliveryState.PENDING]: "pending",
  [DeliveryState.DELIVERED]: "delivered",
  [DeliveryState.DEAD]: "dead",
};

/** An event on its way to one receiver, with its last tries. */
export function deliveryOut(delivery: Delivery, style: RequestIdStyle) {
  return {
    delivery_id: delivery.deliveryId.toString(),
    webhook_id: delivery.endpointId.toString(),
    account_id: delivery.accountId.toString(),
    event_id: delivery.eventId,
    type: delivery.type,
    url: delivery.url,
    state: stateName[delivery.state],
    request_id: delivery.requestId === 0n ? null : formatRequestId(delivery.requestId, style),
    tries: delivery.tries,
    /** The last 20 at most. */
    last_tries: delivery.lastTries.map((one) => ({
      time: new Date(Number(one.atUnixMs)).toISOString(),
      duration_ms: one.durationMs,
      http_status: one.httpStatus || null,
      error: one.error || null,
    })),
    created_time: new Date(Number(delivery.createdUnixMs)).toISOString(),
    next_try_time: delivery.nextTryUnixMs === 0n ? null : new Date(Number(delivery.nextTryUnixMs)).toISOString(),
  };
}
