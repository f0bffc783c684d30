import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Batches and their lines. */
export const batches: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // state: 1 its lines are taken in, 2 they are run, 3 its results are written, 4 it has ended (throughline.jobs.v1.BatchState).
  // idempotency, digest: hashes of the client's key with its owner, and of the request that bore it; null: it had none.
  // api: throughline.jobs.v1.BatchApi. facts: the RequestFacts of its record. pause_until: its upstreams are left alone until then.
  `create table jobs.batch (
    batch_id bigint primary key,
    account_id bigint not null,
    key_id bigint not null,
    user_id text not null,
    api smallint not null,
    endpoint text not null,
    module smallint not null,
    store_response smallint not null,
    state smallint not null default 1 check (state between 1 and 4),
    cancel_requested boolean not null default false,
    input_file_id bigint not null,
    output_file_id bigint not null,
    error_file_id bigint not null,
    view bytea not null,
    facts bytea not null,
    traceparent text not null,
    idempotency bytea,
    digest bytea,
    models text[] not null default '{}',
    is_held boolean not null default false,
    reserved bigint not null default 0,
    results_life_ms bigint not null default 0,
    total integer not null default 0,
    succeeded integer not null default 0,
    failed integer not null default 0,
    cancelled integer not null default 0,
    expired integer not null default 0,
    input_tokens bigint not null default 0,
    cached_input_tokens bigint not null default 0,
    cache_write_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    created_at timestamptz not null,
    touched_at timestamptz not null default now(),
    deadline_at timestamptz,
    started_at timestamptz,
    cancelling_at timestamptz,
    finalizing_at timestamptz,
    ended_at timestamptz,
    pause_until timestamptz,
    lease_until timestamptz,
    worker bigint
  ) with (fillfactor = 50)`,
  "create index batch_account on jobs.batch (account_id, batch_id)",
  // A repeat of a request with the same key finds its batch for as long as that is known.
  "create unique index batch_key on jobs.batch (account_id, idempotency) where idempotency is not null and state > 1",
  "create index batch_open on jobs.batch (state) where state < 4",
  "create index batch_ended on jobs.batch (ended_at) where state = 4",
  `create table jobs.batch_route (
    batch_id bigint not null references jobs.batch on delete cascade,
    number integer not null,
    item bytea not null,
    primary key (batch_id, number)
  )`,
  // state: 1 it waits, 2 a worker runs it, 3 it has ended and is to be settled and recorded, 4 all is done.
  // said: its BatchLine without the body. amount: nano-USD that it takes of the batch's reservation. tries: how often it was begun.
  // outcome: what its upstream said of it, for settlement and record. http_status and answer: what the client gets.
  `create table jobs.batch_line (
    batch_id bigint not null references jobs.batch on delete cascade,
    line integer not null,
    request_id bigint not null,
    state smallint not null check (state between 1 and 4),
    tries smallint not null default 0,
    worker bigint,
    wake_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    said bytea not null,
    body bytea,
    outcome bytea,
    answer bytea,
    error_code text,
    error_message text,
    primary key (batch_id, line)
  ) with (fillfactor = 70)`,
  "create index batch_line_waiting on jobs.batch_line (batch_id, line) where state = 1",
  "create index batch_line_begun on jobs.batch_line (request_id) where state = 1 and tries > 0",
  "create index batch_line_held on jobs.batch_line (worker) where state in (2, 3)",
  // Who works at lines, and until when it is taken to be alive.
  `create table jobs.batch_worker (
    worker bigint primary key,
    alive_until timestamptz not null
  )`,
];
