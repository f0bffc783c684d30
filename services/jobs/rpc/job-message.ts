import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { toWireError } from "../../../shared/errors/wire.ts";
import { ErrorSchema, type Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { JobKind, JobOwner, JobSchema, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { InvokeItemSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobRow } from "../db/job-row.ts";
import type { Owner } from "../db/jobs.ts";
import { readKeptError } from "../db/kept-error.ts";

/** A job as callers see it. */
export function toJob(row: JobRow): MessageInitShape<typeof JobSchema> {
  const item = fromBinary(InvokeItemSchema, row.item);
  const error = readKeptError(row);
  const candidate = row.candidate === null ? undefined : item.candidates[row.candidate];
  return {
    requestId: row.request_id,
    module: row.module as Module,
    dialect: item.dialect,
    model: item.model,
    state: row.state as JobState,
    progressPercent: row.progress,
    ...(error === undefined ? {} : { error: create(ErrorSchema, toWireError(error)) }),
    view: row.view,
    createdUnixMs: BigInt(row.created_at.getTime()),
    endedUnixMs: BigInt(row.ended_at?.getTime() ?? 0),
    expiresUnixMs: BigInt(row.expires_at?.getTime() ?? 0),
    resultMs: row.result_ms,
    size: row.size,
    ...(candidate === undefined ? {} : { candidate }),
    vendorJobId: row.vendor_job_id,
    locator: row.locator,
    cancelRequested: row.cancel_requested,
    kind: row.kind as JobKind,
    resultType: row.result_type,
    resultBytes: row.result_bytes,
    resultObjectId: row.result_object,
    accountId: row.account_id,
    keyId: row.key_id,
    userId: row.user_id,
    trouble: row.trouble,
    troubleSinceUnixMs: BigInt(row.trouble_at?.getTime() ?? 0),
    polls: row.polls,
    failedPolls: row.failed_polls,
    deadlineUnixMs: BigInt(row.deadline_at.getTime()),
  };
}

/** Whose jobs a caller means. Throws invalid_value where it names nobody. */
export function ownerOf(owner: (Pick<JobOwner, keyof Owner> & { readonly everybody?: boolean }) | undefined): Owner {
  if (owner?.everybody === true) return { accountId: 0n, keyId: owner.keyId, userId: owner.userId };
  if (owner === undefined || owner.accountId <= 0n) {
    throw new ThroughlineError("invalid_value", "An owner is required.", { param: "owner" });
  }
  return { accountId: owner.accountId, keyId: owner.keyId, userId: owner.userId };
}

/** The same words for what is unknown and for what is another owner's. */
export function noSuchJob(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such job.");
}
