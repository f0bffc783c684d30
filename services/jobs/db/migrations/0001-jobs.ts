import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Jobs. The row is the truth: what is to be done next, by when, and who is doing it. */
export const jobs: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // phase: 1 its start is under way, 2 a vendor has it, 3 it has ended and is to be settled and recorded, 4 all is done.
  // state: history's words (throughline.jobs.v1.JobState).
  // item: the InvokeItem of its start without the body. body: what the vendor is asked; null as soon as it was asked.
  // started: the Outcome of its start. usage: the Usage that its end is charged by.
  // wake_at: when something is to be done; null: nothing is. lease_until: a worker is at it until then.
  // events: what happened, as [name, milliseconds since the arrival].
  `create table jobs.job (
    request_id bigint primary key,
    account_id bigint not null,
    key_id bigint not null,
    user_id text not null,
    module smallint not null,
    phase smallint not null check (phase between 1 and 4),
    state smallint not null check (state between 1 and 5),
    progress smallint not null default 0 check (progress between 0 and 100),
    item bytea not null,
    body bytea,
    view bytea not null,
    traceparent text not null,
    candidate smallint,
    vendor_job_id text not null default '',
    locator text not null default '',
    started bytea,
    usage bytea,
    error_code text,
    error_message text,
    result_ms bigint not null default 0,
    size text not null default '',
    created_at timestamptz not null,
    deadline_at timestamptz not null,
    ended_at timestamptz,
    expires_at timestamptz,
    wake_at timestamptz,
    lease_until timestamptz,
    polls integer not null default 0,
    failed_polls integer not null default 0,
    cancel_requested boolean not null default false,
    deleted boolean not null default false,
    events jsonb not null default '[]'
  ) with (fillfactor = 80)`,
  "create index job_wake on jobs.job (wake_at) where wake_at is not null",
  "create index job_account on jobs.job (account_id, request_id)",
  "create index job_ended on jobs.job (ended_at) where phase = 4",
];
