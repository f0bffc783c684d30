import type { JobStep } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { credentialMark } from "../domain/credential-mark.ts";
import { readLocator } from "../domain/job-locator.ts";

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
