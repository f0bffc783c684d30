import { type Statement, statement } from "../../../shared/db/index.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { type JobRow, jobColumns } from "./job-row.ts";
import type { Owner } from "./jobs.ts";
import type { JobsDatabase } from "./open.ts";

/** Which jobs a page has. */
export interface JobFilter {
  /** 0: any. */
  readonly module: number;
  /** 0: any. */
  readonly kind: number;
  /** Empty: any. */
  readonly states: readonly number[];
  /** Unix milliseconds within which their requests arrived, the second of them excluded; 0: no bound. */
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

/** Where in the list a page begins, and how long it is. */
export interface JobPage {
  /** Jobs behind this one in the order of the list; 0: from its start. */
  readonly after: bigint;
  readonly limit: number;
  readonly oldestFirst: boolean;
}

/** States that an index of their own finds among many others. */
const groups = {
  any: "true",
  open: `state < ${JobState.SUCCEEDED}`,
  failed: `state = ${JobState.FAILED}`,
} as const;
type Group = keyof typeof groups;

/** What is looked for decides the statement, so that each has its index: one plan for all would read all jobs. */
const statements = new Map<string, Statement>();
for (const direction of ["asc", "desc"] as const) {
  for (const scope of ["account", "everybody"] as const) {
    for (const group of Object.keys(groups) as Group[]) {
      const name = nameOf(direction, scope, group);
      const order =
        scope === "account" ? `account_id ${direction}, request_id ${direction}` : `request_id ${direction}`;
      const sql = `select ${jobColumns} from jobs.job
        where ${scope === "account" ? "account_id = $1" : "$1::bigint = 0"} and ${groups[group]} and not deleted
          and ($2::bigint = 0 or key_id = $2) and ($3 = '' or user_id = $3)
          and ($4::smallint = 0 or module = $4) and ($5::smallint = 0 or kind = $5)
          and ($6::smallint[] = '{}' or state = any($6::smallint[]))
          and request_id > $7 and request_id < $8
        order by ${order} limit $9`;
      statements.set(name, statement(name, sql, { idempotent: true }));
    }
  }
}

function nameOf(direction: "asc" | "desc", scope: "account" | "everybody", group: Group): string {
  return `jobs_page_${direction}_${scope}_${group}`;
}

/** Jobs of an owner. */
export function readJobs(db: JobsDatabase, owner: Owner, filter: JobFilter, page: JobPage): Promise<JobRow[]> {
  const { after, limit, oldestFirst } = page;
  const scope = owner.accountId === 0n ? "everybody" : "account";
  const chosen = statements.get(nameOf(oldestFirst ? "asc" : "desc", scope, groupOf(filter.states)));
  if (chosen === undefined) throw new TypeError("there is no statement for this page of jobs");
  const first = filter.fromUnixMs === 0 ? 0n : firstIdAt(filter.fromUnixMs) - 1n;
  const last = filter.toUnixMs === 0 ? lastId : firstIdAt(filter.toUnixMs);
  const from = oldestFirst && after > first ? after : first;
  const to = !oldestFirst && after !== 0n && after < last ? after : last;
  const values = [owner.accountId, owner.keyId, owner.userId, filter.module, filter.kind, filter.states];
  return db.query<JobRow>(chosen, [...values, from, to, limit]);
}

const lastId = 9_223_372_036_854_775_807n;

function groupOf(states: readonly number[]): Group {
  if (states.length === 0) return "any";
  if (states.every((state) => state < JobState.SUCCEEDED)) return "open";
  return states.every((state) => state === JobState.FAILED) ? "failed" : "any";
}
