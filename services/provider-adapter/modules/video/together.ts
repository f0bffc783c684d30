import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { writeJobReports } from "../../../../shared/job-report.ts";
import { type Asked, type AskedStep, type Exchange, wholeExchange } from "../../domain/exchange.ts";
import type { VideoFormat } from "./format.ts";
import { objectIn } from "./poll.ts";
import { reportFor, videoUsage } from "./report.ts";

/**
 * Asks a vendor after several jobs by one call. The reports say how far those are that the vendor names; what a job consumed is
 * told by a question about it alone.
 */
export function togetherExchange({ prices }: Asked, step: AskedStep, format: VideoFormat): Exchange {
  const { together } = format;
  if (together === undefined)
    throw new ThroughlineError("internal_error", "This vendor is asked after one job at a time.");
  const jobs = new Map([step, ...step.others].map((job) => [job.vendorJobId, job]));
  if (jobs.size > together.most)
    throw new ThroughlineError("internal_error", "This vendor is not asked after so many jobs.");
  return wholeExchange({
    message: together.poll([...jobs.keys()]),
    notes: [],
    refusal(body) {
      const top = objectIn(body);
      return top === undefined || together.tell(top) !== undefined ? undefined : format.refusal(top);
    },
    whole(body) {
      const top = objectIn(body);
      const told = top === undefined ? undefined : together.tell(top);
      if (told === undefined)
        throw new ThroughlineError("upstream_error", "The upstream's answer says nothing of the jobs.");
      const reports = told.flatMap((one) => {
        const job = jobs.get(one.id ?? "");
        return job === undefined ? [] : [reportFor(format, one, job)];
      });
      return {
        body: writeJobReports(reports),
        usage: videoUsage(undefined, prices, false),
        finishReason: "",
        messageId: step.vendorJobId,
        responseModel: "",
      };
    },
  });
}
