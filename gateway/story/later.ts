import type { Job } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { Ask } from "./ask.ts";

/** A request that is answered later: what its client gets now. */
export interface Later {
  /** Status of the answer that it gets now. */
  readonly httpStatus: 200 | 202;
  /** What the client is to be shown of its request later, JSON. */
  readonly view: Uint8Array;
  /** The job as the client sees it. */
  show(job: Job): object;
}

/** Status of an answer that says where the real one will be. */
export const acceptedStatus = 202;

/** Headers that go with it: where the answer will be, and that the preference was applied (RFC 7240). */
export function acceptedHeaders(requestId: bigint): Readonly<Record<string, string>> {
  return { location: `/v1/jobs/job_${requestId}`, "preference-applied": "respond-async" };
}

/** One preference, by its name; values and parameters are of no use here. */
const preference = /^\s*respond-async\s*(?:[=;]|$)/i;

/** Whether a client prefers to be answered later. A stream is given as it comes, so there the preference is ignored. */
export function prefersLater(
  header: string | string[] | undefined,
  { demand: { answer } }: Pick<Ask, "demand">,
): boolean {
  if (header === undefined || (answer !== "json" && answer !== "bytes")) return false;
  const text = Array.isArray(header) ? header.join(",") : header;
  return text.split(",").some((one) => preference.test(one));
}
