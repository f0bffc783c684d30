import { createHash } from "node:crypto";
import type { JobStep } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { readLocator } from "../domain/job-locator.ts";

/** Short for what goes into a job's row, long enough that two credentials of a channel never share one. */
const markLength = 16;

/** A mark of a credential from which nobody can tell it; empty for none. */
export function credentialMark(credential: string): string {
  if (credential === "") return "";
  return createHash("sha256").update(`job credential\n${credential}`).digest("hex").slice(0, markLength);
}

/**
 * The credentials that a step may be taken with: a job is known to the account that began it, and to a stranger it is a job that
 * does not exist. Where the credential is no longer among them it was probably renewed, so all are tried.
 */
export function credentialsFor(credentials: readonly string[], job: JobStep | undefined): readonly string[] {
  if (job === undefined || job.locator === "") return credentials;
  const { credential } = readLocator(job.locator);
  const same = credentials.filter((one) => credentialMark(one) === credential);
  return same.length > 0 ? same : credentials;
}
