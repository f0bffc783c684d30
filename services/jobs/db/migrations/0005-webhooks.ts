import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Webhooks: who is told what, and what became of it. */
export const webhooks: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // kind: 1 an endpoint with an address of its own, 2 what the callback URLs of the account's requests are signed by.
  // receiver: account and origin; what goes to one of them is bounded together.
  // secret, previous_secret: sealed; the second signs as well until previous_until.
  `create table jobs.webhook_endpoint (
    endpoint_id bigint generated always as identity primary key,
    account_id bigint not null,
    kind smallint not null check (kind in (1, 2)),
    url text not null,
    receiver text not null,
    events text[] not null,
    enabled boolean not null default true,
    platform boolean not null default false,
    description text not null default '',
    secret bytea not null,
    previous_secret bytea,
    previous_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  "create index webhook_endpoint_account on jobs.webhook_endpoint (account_id)",
  "create unique index webhook_endpoint_callbacks on jobs.webhook_endpoint (account_id) where kind = 2",

  // source: what the event tells, so that it is made once. body: the bytes that are sent and signed.
  `create table jobs.webhook_event (
    event_id text primary key,
    account_id bigint not null,
    source text not null unique,
    type text not null,
    body text not null,
    request_id bigint,
    traceparent text not null,
    created_at timestamptz not null default now()
  )`,
  "create index webhook_event_request on jobs.webhook_event (request_id) where request_id is not null",
  "create index webhook_event_created on jobs.webhook_event (created_at)",

  // state: a value of throughline.jobs.v1.DeliveryState. url: null: that of its endpoint. step: tries since it was (re)sent.
  // next_at: when it is tried; while it is leased: when another worker may. tries_log: [unix ms, ms, status, why not].
  `create table jobs.delivery (
    delivery_id bigint generated always as identity primary key,
    event_id text not null references jobs.webhook_event on delete cascade,
    endpoint_id bigint not null references jobs.webhook_endpoint on delete cascade,
    account_id bigint not null,
    url text,
    receiver text not null,
    state smallint not null default 1 check (state between 1 and 3),
    step smallint not null default 0,
    tries integer not null default 0,
    tries_log jsonb not null default '[]',
    leased boolean not null default false,
    next_at timestamptz not null default now(),
    created_at timestamptz not null default now()
  ) with (fillfactor = 80)`,
  "create index delivery_due on jobs.delivery (receiver, next_at) where state = 1",
  "create index delivery_next on jobs.delivery (next_at) where state = 1",
  "create index delivery_leased on jobs.delivery (receiver) where state = 1 and leased",
  "create index delivery_event on jobs.delivery (event_id)",
  "create index delivery_endpoint on jobs.delivery (endpoint_id, delivery_id)",
  "create index delivery_account on jobs.delivery (account_id, delivery_id)",

  // Where the end of one request's job is told; noted before there is the job.
  `create table jobs.callback (
    request_id bigint primary key,
    url text not null,
    receiver text not null,
    created_at timestamptz not null default now()
  )`,
  "create index callback_created on jobs.callback (created_at)",
];
