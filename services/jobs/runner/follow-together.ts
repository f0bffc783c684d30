import { JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobReport } from "../../../shared/job-report.ts";
import type { JobsContext } from "../context.ts";
import { type JobRow, msUntil, phases } from "../db/job-row.ts";
import { askAlone, claimGroup } from "../db/poll-groups.ts";
import { askTogether } from "./ask.ts";
import { leaseMs } from "./end.ts";
import { followedItem, goOn, pollTimeoutMs } from "./go-on.ts";
import { awaitMoment, keepPace, type Leave } from "./pace.ts";

/**
 * Puts together the jobs that one question may be about, with further ones of their group that may be asked after by now. Each
 * list has at least one job.
 */
export async function gather(context: JobsContext, rows: readonly JobRow[]): Promise<readonly (readonly JobRow[])[]> {
  const alone: (readonly JobRow[])[] = [];
  const groups = new Map<string, JobRow[]>();
  for (const row of rows) {
    if (!isGrouped(row)) alone.push([row]);
    else groups.set(row.poll_group, [...(groups.get(row.poll_group) ?? []), row]);
  }
  const together: (readonly JobRow[])[] = [];
  for (const [group, found] of groups) {
    const most = Math.max(1, ...found.map(({ poll_together: one }) => one));
    const limit = most - found.length;
    const floorMs = context.config.firstPollMs;
    const more = limit > 0 ? await claimGroup(context.db, group, { limit, floorMs, leaseMs }) : [];
    const all = [...found, ...more];
    for (let at = 0; at < all.length; at += most) together.push(all.slice(at, at + most));
  }
  return [...alone, ...together];
}

function isGrouped(row: JobRow): boolean {
  const { phase, poll_group: group, cancel_requested: isCancelled, deadline_at: deadline } = row;
  return phase === phases.running && group !== "" && !isCancelled && msUntil(deadline, row) > 0;
}

/** Asks after several jobs by one question. Those that it says to have ended, and those that it does not name, are asked after alone. */
export async function followTogether(context: JobsContext, rows: readonly JobRow[], leave: Leave): Promise<void> {
  const [lead, ...others] = rows;
  if (lead === undefined || !(await awaitMoment(context, rows, leave))) return;
  const asked = await askTogether(context, {
    row: lead,
    item: followedItem(lead),
    step: {
      action: JobAction.POLL,
      vendorJobId: lead.vendor_job_id,
      locator: lead.locator,
      others: others.map((row) => ({ vendorJobId: row.vendor_job_id, locator: row.locator })),
    },
    timeoutMs: pollTimeoutMs,
  });
  await keepPace(context, leave, asked);
  const { report: reports, ...rest } = asked;
  context.metrics.jobPoll(reports === undefined ? "failed" : "answered");
  const byId = new Map(reports?.map((report) => [report.vendorJobId, report]));
  const alone: bigint[] = [];
  await Promise.all(
    rows.map(async (row) => {
      const report = byId.get(row.vendor_job_id);
      if (reports === undefined) await goOn(context, row, rest);
      else if (report === undefined || isOver(report)) alone.push(row.request_id);
      else await goOn(context, row, { ...rest, report });
    }),
  );
  if (alone.length > 0) await askAlone(context.db, alone);
}

function isOver({ state }: JobReport): boolean {
  return state === "succeeded" || state === "failed";
}
