import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Batches that a vendor runs as a whole. */
export const vendorBatches: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // by_vendor, of a batch: its lines are a vendor's to run, not our workers'. Of a line: it was the vendor who answered it.
  "alter table jobs.batch add column by_vendor boolean not null default false",
  "alter table jobs.batch_line add column by_vendor boolean not null default false",
  // phase: see vendorPhases. place: what all lines said of where they go. locator: as of a job. sent_at: its creation was sent.
  `create table jobs.vendor_batch (
    batch_id bigint primary key references jobs.batch on delete cascade,
    phase smallint not null default 1 check (phase between 1 and 8),
    channel text not null,
    lines integer not null default 0,
    bytes bigint not null default 0,
    place text not null default '',
    file_id text not null default '',
    vendor_id text not null default '',
    files text[] not null default '{}',
    locator text not null default '',
    is_late boolean not null default false,
    cancel_sent boolean not null default false,
    polls integer not null default 0,
    failures integer not null default 0,
    sent_at timestamptz,
    wake_at timestamptz not null default now(),
    lease_until timestamptz,
    worker bigint
  ) with (fillfactor = 50)`,
  "create index vendor_batch_due on jobs.vendor_batch (wake_at) where phase < 8",
];
