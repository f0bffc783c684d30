import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Own calls: jobs that are carried out here, in place of at a vendor, and whose results are kept here. */
export const ownCalls: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // kind: 1 a vendor's job, 2 an own call (throughline.jobs.v1.JobKind).
  // runs: how often a worker has taken an own call. A second time says that the first worker was lost.
  // input: what of the body is kept with the record. keeps_answer: the record has the answer, not the provider's document.
  // upload, result_object: IDs of objects; 0: none. result: the answer where it is short; a long one is an object.
  `alter table jobs.job
    add column kind smallint not null default 1 check (kind in (1, 2)),
    add column runs smallint not null default 0,
    add column input bytea,
    add column keeps_answer boolean not null default false,
    add column upload bigint not null default 0,
    add column result bytea,
    add column result_object bigint not null default 0,
    add column result_type text not null default '',
    add column result_bytes bigint not null default 0`,
  // An own call that waits must not be in the way of a vendor's job that is due: each kind has its own index and its own workers.
  "drop index jobs.job_wake",
  "create index job_wake on jobs.job (wake_at) where wake_at is not null and (kind = 1 or phase = 3)",
  "create index job_call on jobs.job (account_id, wake_at) where kind = 2 and phase < 3",
];
