import { statement } from "../../../../shared/db/index.ts";
import type { JobsDatabase } from "../../db/open.ts";

/** An endpoint as its row holds it. */
export interface EndpointRow {
  readonly endpoint_id: bigint;
  readonly account_id: bigint;
  readonly kind: number;
  /** Empty: it stands for the callback URLs of the account's requests. */
  readonly url: string;
  readonly events: string[];
  readonly enabled: boolean;
  readonly platform: boolean;
  readonly description: string;
  /** Sealed. */
  readonly secret: Buffer;
  readonly previous_secret: Buffer | null;
  readonly previous_until: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Kinds of endpoints. */
export const endpointKinds = { address: 1, callbacks: 2 } as const;

const columns = `endpoint_id, account_id, kind, url, events, enabled, platform, description, secret, previous_secret,
  previous_until, created_at, updated_at`;

/** What an endpoint is made of. */
export interface NewEndpoint {
  readonly accountId: bigint;
  readonly url: string;
  readonly receiver: string;
  readonly events: readonly string[];
  readonly description: string;
  readonly enabled: boolean;
  readonly platform: boolean;
  readonly secret: Uint8Array;
}

const insert = statement(
  "webhooks_insert_endpoint",
  `insert into jobs.webhook_endpoint (account_id, kind, url, receiver, events, description, enabled, platform, secret)
   select $1, 1, $2, $3, $4::text[], $5, $6, $7, $8
    where (select count(*) from jobs.webhook_endpoint where account_id = $1 and kind = 1) < $9
   returning ${columns}`,
);

/** Makes an endpoint. Undefined: the account has as many as it may. */
export async function insertEndpoint(
  db: JobsDatabase,
  made: NewEndpoint,
  most: number,
): Promise<EndpointRow | undefined> {
  const [row] = await db.query<EndpointRow>(insert, [
    ...[made.accountId, made.url, made.receiver, made.events, made.description, made.enabled, made.platform],
    ...[made.secret, most],
  ]);
  return row;
}

const insertCallbacks = statement(
  "webhooks_insert_callbacks",
  `insert into jobs.webhook_endpoint (account_id, kind, url, receiver, events, secret)
   values ($1, 2, '', '', '{}', $2) on conflict (account_id) where kind = 2 do nothing`,
);

/** Makes what the callback URLs of an account's requests are signed by, where there is none. */
export async function ensureCallbacks(db: JobsDatabase, accountId: bigint, secret: Uint8Array): Promise<void> {
  await db.query(insertCallbacks, [accountId, secret]);
}

const readOne = statement(
  "webhooks_read_endpoint",
  `select ${columns} from jobs.webhook_endpoint where endpoint_id = $1 and ($2::bigint = 0 or account_id = $2)`,
  { idempotent: true },
);

/** One endpoint. @param accountId whose it must be; 0: anybody's. */
export async function readEndpoint(
  db: JobsDatabase,
  endpointId: bigint,
  accountId: bigint,
): Promise<EndpointRow | undefined> {
  const [row] = await db.query<EndpointRow>(readOne, [endpointId, accountId]);
  return row;
}

const readCallbacksOf = statement(
  "webhooks_read_callbacks",
  `select ${columns} from jobs.webhook_endpoint where account_id = $1 and kind = 2`,
  { idempotent: true },
);

/** What the callback URLs of an account's requests are signed by. */
export async function readCallbacks(db: JobsDatabase, accountId: bigint): Promise<EndpointRow | undefined> {
  const [row] = await db.query<EndpointRow>(readCallbacksOf, [accountId]);
  return row;
}

const page = statement(
  "webhooks_page_endpoints",
  `select ${columns} from jobs.webhook_endpoint
    where ($1::bigint = 0 or account_id = $1) and endpoint_id > $2 order by endpoint_id limit $3`,
  { idempotent: true },
);

/** Endpoints by ID. @param accountId whose; 0: anybody's. */
export function readEndpoints(
  db: JobsDatabase,
  accountId: bigint,
  after: bigint,
  limit: number,
): Promise<EndpointRow[]> {
  return db.query<EndpointRow>(page, [accountId, after, limit]);
}

const listeners = statement(
  "webhooks_listeners",
  `select distinct account_id from jobs.webhook_endpoint
    where account_id > $2 and kind = 1 and enabled and events && $1::text[] order by account_id limit $3`,
  { idempotent: true },
);

const platformListeners = statement(
  "webhooks_platform_listeners",
  `select distinct account_id from jobs.webhook_endpoint
    where platform and kind = 1 and enabled and events && $1::text[] order by account_id limit $2`,
  { idempotent: true },
);

/** Accounts with an endpoint that is told what concerns the whole platform and has asked for one of these patterns. */
export async function readPlatformListeners(
  db: JobsDatabase,
  patterns: readonly string[],
  limit: number,
): Promise<bigint[]> {
  const rows = await db.query<{ account_id: bigint }>(platformListeners, [patterns, limit]);
  return rows.map(({ account_id }) => account_id);
}

/** Accounts with an endpoint that has asked for one of these patterns, by ID. */
export async function readListeners(
  db: JobsDatabase,
  patterns: readonly string[],
  after: bigint,
  limit: number,
): Promise<bigint[]> {
  const rows = await db.query<{ account_id: bigint }>(listeners, [patterns, after, limit]);
  return rows.map(({ account_id }) => account_id);
}

/** What is changed of an endpoint; undefined: it stays. */
export interface EndpointChange {
  readonly url: string | undefined;
  readonly receiver: string | undefined;
  readonly events: readonly string[] | undefined;
  readonly enabled: boolean | undefined;
  readonly description: string | undefined;
}

const update = statement(
  "webhooks_update_endpoint",
  `with changed as (
     update jobs.webhook_endpoint set url = coalesce($2, url), receiver = coalesce($3, receiver),
       events = coalesce($4::text[], events), enabled = coalesce($5, enabled), description = coalesce($6, description),
       updated_at = now()
      where endpoint_id = $1 returning ${columns}
   ), given_up as (
     update jobs.delivery d set state = 3, leased = false from changed
      where not changed.enabled and d.endpoint_id = changed.endpoint_id and d.state = 1
   )
   select ${columns} from changed`,
);

/** Changes an endpoint. What waits for one that is switched off is given up. */
export async function updateEndpoint(
  db: JobsDatabase,
  endpointId: bigint,
  { url, receiver, events, enabled, description }: EndpointChange,
): Promise<EndpointRow | undefined> {
  const values = [endpointId, url ?? null, receiver ?? null, events ?? null, enabled ?? null, description ?? null];
  const [row] = await db.query<EndpointRow>(update, values);
  return row;
}

const rotate = statement(
  "webhooks_rotate_secret",
  `update jobs.webhook_endpoint set previous_secret = secret, previous_until = now() + $3 * interval '1 millisecond',
     secret = $2, updated_at = now()
    where endpoint_id = $1 returning ${columns}`,
);

/** Gives an endpoint a new secret; the one that it has signs beside it for a while. */
export async function rotateSecret(
  db: JobsDatabase,
  endpointId: bigint,
  secret: Uint8Array,
  overlapMs: number,
): Promise<EndpointRow | undefined> {
  const [row] = await db.query<EndpointRow>(rotate, [endpointId, secret, overlapMs]);
  return row;
}

const remove = statement(
  "webhooks_delete_endpoint",
  "delete from jobs.webhook_endpoint where endpoint_id = $1 and ($2::bigint = 0 or account_id = $2)",
  { idempotent: true },
);

/** Removes an endpoint with its deliveries. */
export async function deleteEndpoint(db: JobsDatabase, endpointId: bigint, accountId: bigint): Promise<void> {
  await db.query(remove, [endpointId, accountId]);
}

const reseal = statement(
  "webhooks_reseal",
  `update jobs.webhook_endpoint set secret = $2, previous_secret = $3 where endpoint_id = $1 and secret = $4`,
  { idempotent: true },
);

/** Replaces the sealed secrets of an endpoint, unless its secret has changed since it was read. */
export async function resealEndpoint(
  db: JobsDatabase,
  before: EndpointRow,
  secret: Uint8Array,
  previous: Uint8Array | null,
): Promise<void> {
  await db.query(reseal, [before.endpoint_id, secret, previous, before.secret]);
}
