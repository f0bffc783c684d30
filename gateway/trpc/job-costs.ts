import type { LedgerEntry } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { type Job, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { toJobRow } from "../view/job.ts";
import { endingEntry, entryCost, type JobCost, notSettled } from "../view/job-cost.ts";
import { usageOut } from "./output.ts";
import { callOptions, type TrpcContext } from "./procedures.ts";

/** Jobs with what they cost, as the ledger has it: one question for all that have ended. @param accountId whose they are; 0: anybody's. */
export async function withCosts(ctx: TrpcContext, jobs: readonly Job[], accountId: bigint) {
  const entryIds = jobs.filter(hasEnded).map(({ requestId }) => requestId);
  const { entries } =
    entryIds.length === 0
      ? { entries: [] }
      : await ctx.gateway.billing.listLedger({ accountId, entryIds }, callOptions(ctx));
  const byJob = Map.groupBy(entries, ({ entryId }) => entryId);
  return jobs.map((job) => ({ ...toJobRow(job), ...costOut(byJob.get(job.requestId) ?? []) }));
}

/** A job with what it costs. */
export async function withCost(ctx: TrpcContext, job: Job) {
  const [row] = await withCosts(ctx, [job], job.accountId);
  return row ?? { ...toJobRow(job), ...costOut([]) };
}

function hasEnded({ state }: Job): boolean {
  return state === JobState.SUCCEEDED || state === JobState.FAILED;
}

/** The charge, why, the vendor's list price and what was consumed; nulls: it is not settled yet. */
function costOut(entries: readonly LedgerEntry[]) {
  const entry = endingEntry(entries);
  const cost: JobCost = entry === undefined ? notSettled : entryCost(entry);
  return { ...cost, usage: usageOut(entry?.usage) };
}
