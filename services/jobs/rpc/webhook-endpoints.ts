import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  CheckCallbackUrlRequest,
  CreateWebhookEndpointRequest,
  DeleteWebhookEndpointRequest,
  ListWebhookEndpointsRequest,
  RotateWebhookSecretRequest,
  UpdateWebhookEndpointRequest,
} from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import type { JobsContext } from "../context.ts";
import { assertAddress, receiverOf } from "../webhooks/address.ts";
import {
  deleteEndpoint,
  type EndpointRow,
  endpointKinds,
  ensureCallbacks,
  insertEndpoint,
  readCallbacks,
  readEndpoint,
  readEndpoints,
  rotateSecret,
  updateEndpoint,
} from "../webhooks/db/endpoints.ts";
import { eventTypes, isEventPattern } from "../webhooks/domain/event-types.ts";
import { createSecret } from "../webhooks/domain/signature.ts";
import { assertLimit, noSuchEndpoint, toEndpoint } from "./webhook-messages.ts";

/** Most endpoints of an account: each event is sent to all that ask for it. */
const maxEndpoints = 20;
const maxDescription = 200;
/** How long a secret that was replaced signs beside the new one. */
const overlapMs = 86_400_000;

/** Makes an endpoint. */
export async function createEndpoint(context: JobsContext, request: CreateWebhookEndpointRequest) {
  const { accountId, url, description, disabled, platform } = request;
  if (accountId <= 0n) throw new ThroughlineError("invalid_value", "An account is required.", { param: "account_id" });
  const events = checkedEvents(request.events);
  assertDescription(description);
  await assertAddress(context.addresses, url, "url");
  const secret = createSecret();
  const sealed = context.secrets.seal(accountId, secret);
  const made = {
    ...{ accountId, url, description, platform, events, secret: sealed },
    receiver: receiverOf(accountId, url),
    enabled: !disabled,
  };
  const row = await insertEndpoint(context.db, made, maxEndpoints);
  if (row === undefined) {
    throw new ThroughlineError("invalid_value", `An account has at most ${maxEndpoints} webhooks; delete one first.`);
  }
  return { endpoint: toEndpoint(row), secret };
}

/** A page of endpoints. */
export async function listEndpoints({ db }: JobsContext, request: ListWebhookEndpointsRequest) {
  const { accountId, afterEndpointId, limit } = request;
  assertLimit(limit);
  const rows = await readEndpoints(db, accountId, afterEndpointId, limit + 1);
  return { endpoints: rows.slice(0, limit).map(toEndpoint), hasMore: rows.length > limit };
}

/** Changes what is given of an endpoint. */
export async function changeEndpoint(context: JobsContext, request: UpdateWebhookEndpointRequest) {
  const { endpointId, accountId, url, enabled, description, setEvents } = request;
  const { account_id: owner, kind } = await endpointOf(context, endpointId, accountId);
  if (kind === endpointKinds.callbacks && (url !== undefined || setEvents)) {
    throw new ThroughlineError(
      "invalid_value",
      "Callback URLs come with requests: this webhook has no address or events.",
    );
  }
  if (description !== undefined) assertDescription(description);
  if (url !== undefined) await assertAddress(context.addresses, url, "url");
  const row = await updateEndpoint(context.db, endpointId, {
    ...{ url, enabled, description },
    receiver: url === undefined ? undefined : receiverOf(owner, url),
    events: setEvents ? checkedEvents(request.events) : undefined,
  });
  if (row === undefined) throw noSuchEndpoint();
  return { endpoint: toEndpoint(row) };
}

/** Gives an endpoint a new secret. */
export async function rotateEndpoint(context: JobsContext, { endpointId, accountId }: RotateWebhookSecretRequest) {
  const secret = createSecret();
  if (endpointId === 0n) return { endpoint: toEndpoint(await newCallbackSecret(context, accountId, secret)), secret };
  const { account_id: owner } = await endpointOf(context, endpointId, accountId);
  const sealed = context.secrets.seal(owner, secret);
  const row = await rotateSecret(context.db, endpointId, sealed, overlapMs);
  if (row === undefined) throw noSuchEndpoint();
  return { endpoint: toEndpoint(row), secret };
}

async function newCallbackSecret(context: JobsContext, accountId: bigint, secret: string): Promise<EndpointRow> {
  if (accountId <= 0n) throw new ThroughlineError("invalid_value", "An account is required.", { param: "account_id" });
  const { db, secrets } = context;
  await ensureCallbacks(db, accountId, secrets.seal(accountId, createSecret()));
  const before = await readCallbacks(db, accountId);
  const row = before && (await rotateSecret(db, before.endpoint_id, secrets.seal(accountId, secret), overlapMs));
  if (row === undefined) throw noSuchEndpoint();
  return row;
}

/** Removes an endpoint. */
export async function removeEndpoint({ db }: JobsContext, { endpointId, accountId }: DeleteWebhookEndpointRequest) {
  await deleteEndpoint(db, endpointId, accountId);
  return {};
}

/** Judges a request's callback_url. */
export async function checkCallbackUrl({ addresses }: JobsContext, { url }: CheckCallbackUrlRequest) {
  await assertAddress(addresses, url, "callback_url");
  return {};
}

/** An endpoint that a caller means. Throws not_found. */
async function endpointOf({ db }: JobsContext, endpointId: bigint, accountId: bigint): Promise<EndpointRow> {
  const row = await readEndpoint(db, endpointId, accountId);
  if (row === undefined) throw noSuchEndpoint();
  return row;
}

function checkedEvents(given: readonly string[]): readonly string[] {
  const events = [...new Set(given)];
  const unknown = events.find((one) => !isEventPattern(one));
  if (events.length === 0 || unknown !== undefined) {
    const names = Object.keys(eventTypes).join(", ");
    const what = unknown === undefined ? "events is required" : `events: "${unknown}" is not known`;
    throw new ThroughlineError("invalid_value", `${what}. Choose of ${names}, a family such as video.*, or *.`, {
      param: "events",
    });
  }
  return events;
}

function assertDescription(text: string): void {
  if (text.length <= maxDescription) return;
  throw new ThroughlineError("invalid_value", `description has at most ${maxDescription} characters.`, {
    param: "description",
  });
}
