import { statement } from "../../../../shared/db/index.ts";
import type { JobsDatabase } from "../../db/open.ts";

/** The database, or a transaction of it. */
export type EventsDatabase = Pick<JobsDatabase, "query">;

/** An event that is to be told. */
export interface NewEvent {
  /** As receivers see it. */
  readonly eventId: string;
  readonly accountId: bigint;
  /** What it tells: of two with the same source the first is told. */
  readonly source: string;
  readonly type: string;
  readonly body: string;
  /** 0: it is about none. */
  readonly requestId: bigint;
  readonly traceparent: string;
}

const insertInto = `insert into jobs.webhook_event (event_id, account_id, source, type, body, request_id, traceparent)`;
const eventValues = "$1, $2::bigint, $3, $4, $5, nullif($6::bigint, 0), $7";
const deliver = `insert into jobs.delivery (event_id, endpoint_id, account_id, url, receiver)
   select made.event_id, target.endpoint_id, $2, target.url, target.receiver from made, target returning delivery_id`;

const publish = statement(
  "webhooks_publish",
  `with target as (
     select endpoint_id, null::text as url, receiver from jobs.webhook_endpoint
      where account_id = $2 and kind = 1 and enabled and events && $8::text[] and (platform or not $10)
     union all
     select e.endpoint_id, c.url, c.receiver from jobs.callback c join jobs.webhook_endpoint e on e.kind = 2
      where $9 and c.request_id = $6 and e.account_id = $2 and e.enabled
   ), made as (
     ${insertInto} select ${eventValues} where exists (select from target)
     on conflict (source) do nothing returning event_id
   )
   ${deliver}`,
  { idempotent: true },
);

/**
 * Makes an event durable with a delivery for each of the account's endpoints that asks for it, and for the request's own
 * callback URL. Gives the number of deliveries: 0 where nobody asks, or where the event was there already.
 *
 * @param patterns what endpoints may have asked for to be told.
 * @param to whether the request's callback URL is told as well, and whether those endpoints alone are told that are told what
 * concerns the whole platform.
 */
export async function publishEvent(
  db: EventsDatabase,
  event: NewEvent,
  patterns: readonly string[],
  { toCallback, platformOnly }: { readonly toCallback: boolean; readonly platformOnly: boolean },
): Promise<number> {
  return (await db.query(publish, [...valuesOf(event), patterns, toCallback, platformOnly])).length;
}

const publishToOne = statement(
  "webhooks_publish_to_one",
  `with target as (
     select endpoint_id, null::text as url, receiver from jobs.webhook_endpoint where endpoint_id = $8
   ), made as (${insertInto} select ${eventValues} where exists (select from target) returning event_id)
   ${deliver}`,
);

/** Makes an event durable that goes to one endpoint. Gives the ID of its delivery; undefined: the endpoint is gone. */
export async function publishEventTo(
  db: JobsDatabase,
  event: NewEvent,
  endpointId: bigint,
): Promise<bigint | undefined> {
  const [row] = await db.query<{ delivery_id: bigint }>(publishToOne, [...valuesOf(event), endpointId]);
  return row?.delivery_id;
}

function valuesOf(event: NewEvent): readonly unknown[] {
  const { eventId, accountId, source, type, body, requestId, traceparent } = event;
  return [eventId, accountId, source, type, body, requestId, traceparent];
}

const forget = statement(
  "webhooks_forget",
  `delete from jobs.webhook_event where event_id in (
     select event_id from jobs.webhook_event e where created_at < now() - $1 * interval '1 millisecond'
       and not exists (select from jobs.delivery d where d.event_id = e.event_id and d.state = 1)
       and (type <> 'alert.budget' or created_at < now() - interval '32 days')
      order by created_at limit $2)
   returning event_id`,
);

/**
 * Deletes events, with their deliveries, that are older than this and not on their way; gives how many. An alert of a budget stays
 * for its month: it must not be sent again.
 */
export async function forgetEvents(db: JobsDatabase, retentionMs: number, limit: number): Promise<number> {
  return (await db.query(forget, [retentionMs, limit])).length;
}

const forgetOld = statement(
  "webhooks_forget_callbacks",
  `delete from jobs.callback where request_id in (
     select request_id from jobs.callback c where created_at < now() - $1 * interval '1 millisecond'
       and not exists (select from jobs.job j where j.request_id = c.request_id)
      order by created_at limit $2)
   returning request_id`,
);

/** Deletes callback URLs that are older than this and whose jobs are gone; gives how many. */
export async function forgetCallbacks(db: JobsDatabase, retentionMs: number, limit: number): Promise<number> {
  return (await db.query(forgetOld, [retentionMs, limit])).length;
}

const keepCallback = statement(
  "webhooks_keep_callback",
  "insert into jobs.callback (request_id, url, receiver) values ($1, $2, $3) on conflict (request_id) do nothing",
  { idempotent: true },
);

/** Notes where the end of a request's job is told. */
export async function insertCallback(
  db: JobsDatabase,
  requestId: bigint,
  url: string,
  receiver: string,
): Promise<void> {
  await db.query(keepCallback, [requestId, url, receiver]);
}
