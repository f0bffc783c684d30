import { type BatchReport, writeBatchReport } from "../../../../shared/batch-report.ts";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { noUsage } from "../../../../shared/money/usage.ts";
import { beginningOf, cleanMessage } from "../../domain/clean-message.ts";
import {
  type Asked,
  type AskedBatchStep,
  type Exchange,
  type UpstreamMessage,
  type WholeAnswer,
  wholeExchange,
} from "../../domain/exchange.ts";
import { writeLocator } from "../../domain/job-locator.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import type { BatchFormat, BatchTold } from "./format.ts";
import { createResultLines } from "./result-lines.ts";

type MakeStep = (asked: Asked, step: AskedBatchStep, format: BatchFormat) => Exchange;

const maxIdLength = 512;
/** Most pages of an account's batches that are looked at for one that was lost. */
const maxPages = 20;

const steps: Readonly<Record<AskedBatchStep["action"], MakeStep>> = {
  upload: uploadExchange,
  create: createExchange,
  find: (_asked, step, format) => findExchange(step, format, "", [], maxPages),
  poll: (_asked, step, format) => tellingExchange(format, step, format.poll(step.batchId)),
  cancel: (_asked, step, format) => tellingExchange(format, step, format.cancel(step.batchId)),
  results: resultsExchange,
  discard: discardExchange,
};

/** The exchange of one step of a batch at its vendor. */
export function batchExchange(asked: Asked, format: BatchFormat): Exchange {
  if (asked.batch === undefined) throw new ThroughlineError("internal_error", "A batch is made in steps.");
  return steps[asked.batch.action](asked, asked.batch, format);
}

function uploadExchange({ form }: Asked, step: AskedBatchStep, format: BatchFormat): Exchange {
  if (form === undefined || format.upload === undefined) {
    throw new ThroughlineError("internal_error", "This vendor's batches are not uploaded.");
  }
  return wholeExchange({
    message: format.upload(form),
    notes: [],
    accepts: isSuccess,
    whole(body) {
      const fileId = asString(objectIn(body)?.id) ?? "";
      if (fileId === "" || fileId.length > maxIdLength) throw unreadable();
      return answerOf({ state: "running", word: "", fileId, locator: locatorOf(step) });
    },
  });
}

function createExchange({ form }: Asked, step: AskedBatchStep, format: BatchFormat): Exchange {
  const { name, place, file: fileId } = step;
  return wholeExchange({
    message: { ...format.create({ name, place, fileId, lines: form }), once: true },
    notes: [],
    accepts: isSuccess,
    whole(body) {
      const told = toldIn(format, body);
      if (told === undefined) {
        throw new ThroughlineError(
          "upstream_outcome_unknown",
          "The upstream's answer does not name the batch, so it is not known whether it began one.",
        );
      }
      return answerOf({ ...reportOf(told), locator: locatorOf(step) });
    },
  });
}

/** Looks through the account's batches, the newest first, for one that bears our name or fits. */
function findExchange(
  step: AskedBatchStep,
  format: BatchFormat,
  from: string,
  before: NonNullable<BatchReport["found"]>,
  pages: number,
): Exchange {
  const pageIn = (body: Buffer) => {
    const top = objectIn(body);
    const page = top === undefined ? undefined : format.page(top, step);
    if (page === undefined) throw unreadable();
    const found = page.found.map(({ told: { id, files, state }, isCertain }) => ({
      batchId: id,
      isCertain,
      files: state === "ended" ? [...files] : [],
    }));
    return { next: page.next, found: [...before, ...found] };
  };
  return wholeExchange({
    message: format.list(from),
    notes: [],
    next({ body }) {
      const { next, found } = pageIn(body);
      const isOver = next === undefined || pages <= 1 || found.some(({ isCertain }) => isCertain);
      return isOver ? undefined : findExchange(step, format, next, found, pages - 1);
    },
    whole: (body) => answerOf({ state: "running", word: "", found: pageIn(body).found }),
  });
}

function tellingExchange(format: BatchFormat, step: AskedBatchStep, message: UpstreamMessage): Exchange {
  return wholeExchange({
    message,
    notes: [],
    accepts: (status) => isSuccess(status) || status === 404,
    whole(body, _moments, _fetched, status) {
      if (status === 404) return answerOf({ state: "forgotten", word: "404", batchId: step.batchId });
      const told = toldIn(format, body);
      if (told === undefined) throw unreadable();
      return answerOf(reportOf(told));
    },
  });
}

function resultsExchange(_asked: Asked, { file }: AskedBatchStep, format: BatchFormat): Exchange {
  return {
    message: { ...format.results(file), accept: "*/*" },
    notes: [],
    whole: (body) => ({ ...nothingKnown, body }),
    stream() {
      throw new ThroughlineError("internal_error", "This kind of work has no stream.");
    },
    bytes: createResultLines,
  };
}

/** What is gone already is as well deleted. */
function discardExchange(_asked: Asked, { file }: AskedBatchStep, format: BatchFormat): Exchange {
  return wholeExchange({
    message: format.discard(file),
    notes: [],
    accepts: (status) => isSuccess(status) || status === 404,
    whole: () => answerOf({ state: "ended", word: "" }),
  });
}

const nothingKnown = {
  usage: { ...noUsage, estimated: false },
  finishReason: "",
  messageId: "",
  responseModel: "",
};

function answerOf(report: BatchReport): WholeAnswer {
  return { ...nothingKnown, body: writeBatchReport(report), messageId: report.batchId ?? "" };
}

function reportOf({ id, state, word, files, isLate, message, counts }: BatchTold): BatchReport {
  return {
    ...{ state, word: word.slice(0, 64), batchId: id, files: files.slice(0, 8) },
    ...(isLate === true ? { isLate } : {}),
    ...(counts === undefined ? {} : { counts }),
    ...(message === undefined ? {} : { message: beginningOf(cleanMessage(message)).slice(0, 1_024) }),
  };
}

function toldIn(format: BatchFormat, body: Buffer): BatchTold | undefined {
  const top = objectIn(body);
  const told = top === undefined ? undefined : format.tell(top);
  return told === undefined || told.id === "" || told.id.length > maxIdLength ? undefined : told;
}

function objectIn(body: Buffer): JsonObject | undefined {
  return asObject(parseJson(body.toString()));
}

function locatorOf({ credential, channel }: AskedBatchStep): string {
  return writeLocator({ credential, place: "", urls: {}, channel });
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function unreadable(): ThroughlineError {
  return new ThroughlineError("upstream_error", "The upstream's answer says nothing of the batch.");
}
