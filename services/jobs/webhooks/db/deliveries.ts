import { statement } from "../../../../shared/db/index.ts";
import type { JobsDatabase } from "../../db/open.ts";

/** A delivery with its event, and where it goes. */
export interface DeliveryRow {
  readonly delivery_id: bigint;
  readonly event_id: string;
  readonly endpoint_id: bigint;
  readonly account_id: bigint;
  readonly url: string;
  /** A value of throughline.jobs.v1.DeliveryState. */
  readonly state: number;
  /** Tries since it was sent, or sent again. */
  readonly step: number;
  readonly tries: number;
  /** The last tries: start in Unix milliseconds, length, status (0: none), why it did not arrive (empty: it did). */
  readonly tries_log: readonly (readonly [atUnixMs: number, ms: number, status: number, error: string])[];
  readonly next_at: Date;
  readonly created_at: Date;
  readonly type: string;
  readonly request_id: bigint | null;
}

/** One that is to be tried now. */
export interface ClaimedDelivery extends DeliveryRow {
  readonly body: string;
  readonly traceparent: string;
  /** Sealed. */
  readonly secret: Buffer;
  /** Sealed; null: there is none, or it signs no more. */
  readonly previous_secret: Buffer | null;
}

/** States of a delivery. */
export const deliveryStates = { pending: 1, delivered: 2, dead: 3 } as const;

const shown = `d.delivery_id, d.event_id, d.endpoint_id, d.account_id, coalesce(d.url, e.url) as url, d.state, d.step, d.tries,
  d.tries_log, d.next_at, d.created_at, v.type, v.request_id`;
const joined =
  "join jobs.webhook_event v on v.event_id = d.event_id join jobs.webhook_endpoint e on e.endpoint_id = d.endpoint_id";

/*
 * Receivers are walked over by the index, one step each: what waits for one that hangs is not read to find the others. One that
 * has as many under way as it may is passed over; the one with the fewest comes first.
 */
const claim = statement(
  "webhooks_claim",
  `with recursive waiting as (
     (select receiver from jobs.delivery where state = 1 order by receiver limit 1)
     union all
     select (select d.receiver from jobs.delivery d where d.state = 1 and d.receiver > w.receiver order by d.receiver limit 1)
       from waiting w where w.receiver is not null
   ), room as (
     select w.receiver, (select count(*) from jobs.delivery b
       where b.state = 1 and b.leased and b.receiver = w.receiver and b.next_at > now()) as busy
       from waiting w where w.receiver is not null
   ), due as materialized (
     select one.delivery_id from room cross join lateral (
       select d.delivery_id from jobs.delivery d
        where d.state = 1 and d.receiver = room.receiver and d.next_at <= now()
        order by d.next_at limit greatest(0, $2 - room.busy) for update skip locked) one
      where room.busy < $2 order by room.busy limit $1
   )
   update jobs.delivery d set leased = true, next_at = now() + $3 * interval '1 millisecond'
     from due, jobs.webhook_event v, jobs.webhook_endpoint e
    where d.delivery_id = due.delivery_id and v.event_id = d.event_id and e.endpoint_id = d.endpoint_id
   returning ${shown}, v.body, v.traceparent, e.secret,
     case when e.previous_until > now() then e.previous_secret end as previous_secret`,
);

/**
 * Takes deliveries that are due; no other worker is given them for `leaseMs`.
 *
 * @param perReceiver most that are under way to one receiver, whoever has them.
 */
export function claimDeliveries(
  db: JobsDatabase,
  limit: number,
  perReceiver: number,
  leaseMs: number,
): Promise<ClaimedDelivery[]> {
  return db.query<ClaimedDelivery>(claim, [limit, perReceiver, leaseMs]);
}

const wait = statement(
  "webhooks_wait",
  `select (extract(epoch from min(next_at) - now()) * 1000)::float8 as ms from jobs.delivery where state = 1`,
  { idempotent: true },
);

/** Milliseconds until the next try is due; undefined: none is. */
export async function nextDueMs(db: JobsDatabase): Promise<number | undefined> {
  const [row] = await db.query<{ ms: number | null }>(wait, []);
  return row?.ms ?? undefined;
}

/** A try, and what follows from it. */
export interface Tried {
  readonly deliveryId: bigint;
  readonly state: (typeof deliveryStates)[keyof typeof deliveryStates];
  /** Milliseconds to the next try, where it is pending. */
  readonly nextInMs: number;
  readonly atUnixMs: number;
  readonly ms: number;
  /** 0: there was no answer. */
  readonly status: number;
  /** Empty: it arrived. */
  readonly error: string;
}

const tried = statement(
  "webhooks_tried",
  `update jobs.delivery set state = $2, leased = false, next_at = now() + $3 * interval '1 millisecond',
     step = step + 1, tries = tries + 1,
     tries_log = case when jsonb_array_length(tries_log) >= 20 then tries_log - 0 else tries_log end
       || jsonb_build_array(jsonb_build_array($4::bigint, $5::integer, $6::integer, $7::text))
    where delivery_id = $1 and state = 1`,
);

/** Notes a try. */
export async function noteTried(db: JobsDatabase, one: Tried): Promise<void> {
  const values = [one.deliveryId, one.state, one.nextInMs, one.atUnixMs, one.ms, one.status, one.error];
  await db.query(tried, values);
}

const resend = statement(
  "webhooks_resend",
  `update jobs.delivery set state = 1, step = 0, leased = false, next_at = now() where delivery_id = $1 and state > 1
   returning delivery_id`,
);

/** Has a delivery tried anew that has ended. False: it has not. */
export async function resendDelivery(db: JobsDatabase, deliveryId: bigint): Promise<boolean> {
  return (await db.query(resend, [deliveryId])).length > 0;
}

const readOne = statement(
  "webhooks_read_delivery",
  `select ${shown} from jobs.delivery d ${joined} where d.delivery_id = $1 and ($2::bigint = 0 or d.account_id = $2)`,
  { idempotent: true },
);

/** One delivery. @param accountId whose it must be; 0: anybody's. */
export async function readDelivery(
  db: JobsDatabase,
  deliveryId: bigint,
  accountId: bigint,
): Promise<DeliveryRow | undefined> {
  const [row] = await db.query<DeliveryRow>(readOne, [deliveryId, accountId]);
  return row;
}

/** Which deliveries are meant; 0: any. */
export interface DeliveryFilter {
  readonly accountId: bigint;
  readonly endpointId: bigint;
  readonly state: number;
  readonly before: bigint;
}

/** PostgreSQL is told which index there is only where the statement names it, so each kind of question has its own. */
const page = (by: "all" | "account" | "endpoint") =>
  statement(
    `webhooks_page_${by}`,
    `select ${shown} from jobs.delivery d ${joined}
      where d.delivery_id < $1 and ($2::smallint = 0 or d.state = $2) and ($3::bigint = 0 or d.account_id = $3)
        and ($4::bigint = 0 or d.endpoint_id = $4)
        ${by === "account" ? "and d.account_id = $3" : by === "endpoint" ? "and d.endpoint_id = $4" : ""}
      order by d.delivery_id desc limit $5`,
    { idempotent: true },
  );
const pages = { all: page("all"), account: page("account"), endpoint: page("endpoint") };
const last = 9_223_372_036_854_775_807n;

/** Deliveries, newest first. */
export function readDeliveries(
  db: JobsDatabase,
  { accountId, endpointId, state, before }: DeliveryFilter,
  limit: number,
): Promise<DeliveryRow[]> {
  const by = endpointId !== 0n ? "endpoint" : accountId !== 0n ? "account" : "all";
  return db.query<DeliveryRow>(pages[by], [before === 0n ? last : before, state, accountId, endpointId, limit]);
}

const ofRequest = statement(
  "webhooks_of_request",
  `select ${shown} from jobs.delivery d ${joined}
    where v.request_id = $1 and ($2::bigint = 0 or d.account_id = $2) order by d.delivery_id limit $3`,
  { idempotent: true },
);

/** What was told about a request, the oldest first. @param accountId whose it must be; 0: anybody's. */
export function readDeliveriesOf(
  db: JobsDatabase,
  requestId: bigint,
  accountId: bigint,
  limit: number,
): Promise<DeliveryRow[]> {
  return db.query<DeliveryRow>(ofRequest, [requestId, accountId, limit]);
}
