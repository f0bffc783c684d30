import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { type JobReport, writeJobReport } from "../../../../shared/job-report.ts";
import { type Asked, type AskedStep, type Exchange, type WholeAnswer, wholeExchange } from "../../domain/exchange.ts";
import { writeLocator } from "../../domain/job-locator.ts";
import { createNotes } from "../../domain/notes.ts";
import { contentExchange } from "./content.ts";
import type { JobPlace, Told, VideoFigures, VideoFormat, VideoStart } from "./format.ts";
import { askAfter, objectIn, placeOf } from "./poll.ts";
import { cancelledReport, isOver, known, meaningOf, reportFor, reportOf, videoUsage } from "./report.ts";
import { readVideoRequest } from "./request.ts";
import { togetherExchange } from "./together.ts";

/** The dialect of the module's clients. */
export const videoDialect = "openai.videos";

/** Longest ID of a vendor that is taken (shared/job-report.ts). */
const maxIdLength = 512;

type MakeStep = (asked: Asked, step: AskedStep, format: VideoFormat) => Exchange;

const steps: Readonly<Record<AskedStep["action"], MakeStep>> = {
  start: startExchange,
  poll: (asked, step, format) =>
    step.others.length === 0
      ? reportExchange(asked, step, format, () => undefined)
      : togetherExchange(asked, step, format),
  cancel: cancelExchange,
  content: contentExchange,
};

/** The exchange of one step of a job for a video. */
export function videoExchange(asked: Asked, format: VideoFormat): Exchange {
  if (asked.job === undefined) throw new ThroughlineError("internal_error", "A video is made by a job, in steps.");
  return steps[asked.job.action](asked, asked.job, format);
}

function startExchange(asked: Asked, step: AskedStep, format: VideoFormat): Exchange {
  const { credential, channel } = step;
  const { note, list } = createNotes();
  const request = readVideoRequest(asked);
  const {
    message,
    figures,
    place = "",
  } = step.vendorJobId === "" ? format.start(request, asked.upstreamModel, note) : remixOf(asked, step, format);
  return wholeExchange({
    message: { ...message, once: true },
    notes: list(),
    accepts: isSuccess,
    refusal: (body) => refusalIn(format, body),
    whole(body) {
      const top = objectIn(body);
      const told = top === undefined ? undefined : format.tell(top, "start");
      if (told?.id === undefined || told.id === "" || told.id.length > maxIdLength) throw unreadable();
      const locator = writeLocator({ credential, place, urls: {}, channel });
      const report = reportOf(format, told, { id: told.id, locator });
      return answerOf(asked, report, { ...figures, ...known(told.figures) }, true);
    },
  });
}

/** A start that names an earlier job goes on from that. Throws invalid_value where the vendor cannot. */
function remixOf(asked: Asked, step: AskedStep, format: VideoFormat): VideoStart {
  if (format.remix !== undefined) return format.remix(placeOf(asked, step), readVideoRequest(asked));
  throw new ThroughlineError("invalid_value", "The upstream of this video cannot remix it.", { param: "id" });
}

/** Some vendors create (201), some take for later (202). */
function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function refusalIn(format: VideoFormat, body: Buffer) {
  const top = objectIn(body);
  return top === undefined ? undefined : format.refusal(top);
}

/** A job may run, and without its ID nobody can find it. */
function unreadable(): ThroughlineError {
  return new ThroughlineError(
    "upstream_outcome_unknown",
    "The upstream's answer does not name the job, so it is not known whether it began one.",
  );
}

/** Asks how far a job is, and reports it unless the answer leads on. */
function reportExchange(
  asked: Asked,
  step: AskedStep,
  format: VideoFormat,
  leadOn: (told: Told, job: JobPlace) => Exchange | undefined,
): Exchange {
  const job = placeOf(asked, step);
  return askAfter(format, job, {
    leadOn,
    answer: (told) => answerOf(asked, reportFor(format, told, step), told?.figures),
  });
}

function cancelExchange(asked: Asked, step: AskedStep, format: VideoFormat): Exchange {
  return reportExchange(asked, step, format, (told, job) => {
    // A job that has ended is not deleted: its result may be paid already.
    if (isOver(meaningOf(format, told.word))) return undefined;
    if (format.cancel === undefined) {
      throw new ThroughlineError("not_implemented", "The upstream cannot give up a job that it has taken.");
    }
    return wholeExchange({
      message: format.cancel(job),
      notes: [],
      accepts: isSuccess,
      refusal: (body) => refusalIn(format, body),
      whole(body) {
        const top = objectIn(body);
        const after = top === undefined ? undefined : format.tell(top, "cancel");
        const isSaid = after !== undefined && meaningOf(format, after.word) !== undefined;
        const { vendorJobId: id, locator } = step;
        return answerOf(asked, isSaid ? reportFor(format, after, step) : cancelledReport({ id, locator }));
      },
    });
  });
}

/** The answer that carries a report. Only a success has consumed something, beside a start, which says what is to come. */
function answerOf({ prices }: Asked, report: JobReport, figures?: VideoFigures, estimated = false): WholeAnswer {
  const counts = estimated || report.state === "succeeded";
  return {
    body: writeJobReport(report),
    usage: videoUsage(counts ? figures : undefined, prices, estimated),
    finishReason: "",
    messageId: report.vendorJobId,
    responseModel: "",
  };
}
