import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  GetJobLifeRequest,
  ListDeliveriesRequest,
  ResendDeliveryRequest,
  SendTestEventRequest,
} from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import type { UnaryContext } from "../../../shared/rpc/index.ts";
import type { JobsContext } from "../context.ts";
import { readJobLife } from "../db/job-life.ts";
import { newEventId } from "../webhooks/announce.ts";
import {
  type DeliveryRow,
  readDeliveries,
  readDeliveriesOf,
  readDelivery,
  resendDelivery,
} from "../webhooks/db/deliveries.ts";
import { endpointKinds, readEndpoint } from "../webhooks/db/endpoints.ts";
import { publishEventTo } from "../webhooks/db/events.ts";
import { eventBody } from "../webhooks/domain/event-body.ts";
import { testEventType } from "../webhooks/domain/event-types.ts";
import { noSuchJob } from "./job-message.ts";
import { assertLimit, noSuchEndpoint, toDelivery } from "./webhook-messages.ts";

const maxOfJob = 100;

/** Sends a test event to an endpoint. */
export async function sendTestEvent(
  { db, courier }: JobsContext,
  { endpointId, accountId }: SendTestEventRequest,
  { requestId, traceparent }: UnaryContext,
) {
  const endpoint = await readEndpoint(db, endpointId, accountId);
  if (endpoint === undefined) throw noSuchEndpoint();
  if (endpoint.kind === endpointKinds.callbacks) {
    throw new ThroughlineError("invalid_value", "This webhook stands for callback URLs: it has no address of its own.");
  }
  if (!endpoint.enabled) throw disabled();
  const eventId = newEventId();
  const data = { id: `webhook_${endpointId}`, request_id: requestId.toString() };
  const event = {
    ...{ eventId, accountId: endpoint.account_id, source: eventId, type: testEventType, requestId, traceparent },
    body: eventBody(eventId, testEventType, Date.now(), data),
  };
  const deliveryId = await publishEventTo(db, event, endpointId);
  courier.wake();
  if (deliveryId === undefined) throw noSuchEndpoint();
  return { delivery: toDelivery(present(await readDelivery(db, deliveryId, 0n))) };
}

/** A page of deliveries. */
export async function listDeliveries({ db }: JobsContext, request: ListDeliveriesRequest) {
  const { accountId, endpointId, state, requestId, beforeDeliveryId: before, limit } = request;
  assertLimit(limit);
  if (requestId !== 0n) {
    const rows = await readDeliveriesOf(db, requestId, accountId, maxOfJob);
    return { deliveries: rows.toReversed().map(toDelivery), hasMore: false };
  }
  const rows = await readDeliveries(db, { accountId, endpointId, state, before }, limit + 1);
  return { deliveries: rows.slice(0, limit).map(toDelivery), hasMore: rows.length > limit };
}

/** Sends a delivery again. */
export async function resend({ db, courier }: JobsContext, { deliveryId, accountId }: ResendDeliveryRequest) {
  const before = present(await readDelivery(db, deliveryId, accountId));
  const endpoint = await readEndpoint(db, before.endpoint_id, 0n);
  if (endpoint?.enabled !== true) throw disabled();
  if (!(await resendDelivery(db, deliveryId))) {
    throw new ThroughlineError("invalid_value", "The delivery is on its way already.", { param: "delivery_id" });
  }
  courier.wake();
  return { delivery: toDelivery(present(await readDelivery(db, deliveryId, accountId))) };
}

/** What happened to a job, and what receivers were told of it. */
export async function getJobLife({ db }: JobsContext, { accountId, requestId }: GetJobLifeRequest) {
  const row = await readJobLife(db, requestId, accountId);
  if (row === undefined) throw noSuchJob();
  const deliveries = await readDeliveriesOf(db, requestId, accountId, maxOfJob);
  return {
    polls: row.polls,
    failedPolls: row.failed_polls,
    events: row.events.map(([name, atMs]) => ({ name, atMs: BigInt(Math.max(0, Math.round(atMs))) })),
    deliveries: deliveries.map(toDelivery),
    vendorJobId: row.vendor_job_id,
    deadlineUnixMs: BigInt(row.deadline_at.getTime()),
  };
}

function present(row: DeliveryRow | undefined): DeliveryRow {
  if (row === undefined) throw new ThroughlineError("not_found", "There is no such delivery.");
  return row;
}

function disabled(): ThroughlineError {
  return new ThroughlineError("invalid_value", "The webhook is switched off: switch it on first.");
}
