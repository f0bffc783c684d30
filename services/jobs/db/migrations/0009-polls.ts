import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** How vendors are asked: at the pace of their channel, after many jobs at once, and what keeps a job from being asked after. */
export const polls: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // trouble: why the last question was not answered as it should be; empty: it was. trouble_at: since when that is so.
  // misses: how often in a row its vendor has said that it does not know the job.
  // asked_at: when it was last asked after. paced_at: the moment that it was given to be asked after; null: it has none.
  // poll_group: what jobs have in common that one question may be about, poll_together: how many; empty, 0: one at a time.
  `alter table jobs.job
    add column trouble text not null default '',
    add column trouble_at timestamptz,
    add column misses smallint not null default 0,
    add column asked_at timestamptz,
    add column paced_at timestamptz,
    add column poll_group text not null default '',
    add column poll_together smallint not null default 0`,
  "create index job_poll_group on jobs.job (poll_group, wake_at) where phase = 2 and poll_group <> ''",
  // Jobs that have not ended and those that failed are found among the many that succeeded.
  "create index job_open on jobs.job (account_id, request_id) where state < 4",
  "create index job_failed on jobs.job (account_id, request_id) where state = 5",
  "create index job_unsettled on jobs.job (request_id) where phase < 4",

  // next_at: the next moment that is free. slowness: how often the pace is halved. paused_until: no question before that.
  // eased_at: when the slowness was last changed.
  `create table jobs.channel_pace (
    channel text primary key,
    next_at timestamptz not null default now(),
    paused_until timestamptz not null default '-infinity',
    slowness smallint not null default 0 check (slowness between 0 and 6),
    eased_at timestamptz not null default now()
  )`,
  // since: when a channel was first seen out. told_at: when that was told; null: it was not yet.
  `create table jobs.channel_outage (
    channel text primary key,
    since timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    told_at timestamptz
  )`,
];
